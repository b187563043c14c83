#include "core/secret.h"

#include "core/memory.h"

#include <string.h>

struct status secret_make(const char *bytes, size_t length, struct secret *ret)
{
	struct secret made = SECRET_INIT;

	if (length > SECRET_MAX)
		return failure(STATUS_INVALID, "a value of %zu bytes is too long: the limit is %d",
			       length, SECRET_MAX);
	made.bytes_ = memory_alloc(length + 1);
	if (made.bytes_ == NULL)
		return OUT_OF_MEMORY;
	if (length > 0) /* an empty value may have no bytes at all */
		memcpy(made.bytes_, bytes, length);
	made.bytes_[length] = '\0';
	made.length_ = length;
	secret_clear(ret);
	*ret = made;
	return OK;
}

struct status secret_copy(const struct secret *secret, struct secret *ret)
{
	return secret_make(secret_reveal(secret), secret->length_, ret);
}

const char *secret_reveal(const struct secret *secret)
{
	return secret->bytes_ != NULL ? secret->bytes_ : "";
}

size_t secret_length(const struct secret *secret)
{
	return secret->length_;
}

bool secret_empty(const struct secret *secret)
{
	return secret->length_ == 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	const char *left = secret_reveal(a), *right = secret_reveal(b);
	volatile unsigned char difference = 0;

	if (a->length_ != b->length_)
		return false;
	for (size_t i = 0; i < a->length_; i++)
		difference |= (unsigned char)(left[i] ^ right[i]);
	return difference == 0;
}

void secret_clear(struct secret *secret)
{
	memory_free(secret->bytes_);
	*secret = SECRET_INIT;
}
