/*
 * status: the result of everything that can fail, by value.
 *
 * A status is either OK or a code and one sentence. The code says what the caller may do about it;
 * the sentence is for the person woken at 3 a.m.: what we were doing, to whom, what to do about it.
 * It never holds a password, a token, a payload, SQL text or a response body.
 */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

enum status_code {
	STATUS_OK,
	STATUS_INVALID, /* the input or the configuration is wrong: fix it, a retry will not help */
	STATUS_NOT_FOUND,   /* the thing named does not exist */
	STATUS_DENIED,	    /* a wrong credential or a missing permission */
	STATUS_CONFLICT,    /* somebody else changed it: read again, then decide */
	STATUS_UNAVAILABLE, /* not reachable, too slow, throttled, out of memory: the same again may
			       work */
	STATUS_INTERNAL,    /* a bug of ours */
};

/* A result of this type cannot be dropped: gcc and clang refuse it, through pointers too. */
struct [[nodiscard]] status {
	enum status_code code;
	char detail[764]; /* one line of UTF-8; longer text is cut and ends in "..." */
};

#define OK ((struct status){.code = STATUS_OK})

/* The only way to make a failure. `code` is any but STATUS_OK. */
[[gnu::format(printf, 2, 3)]] struct status failure(enum status_code code, const char *format, ...);

/* The same failure with "<what we were doing>: " before its sentence. OK stays OK. */
[[gnu::format(printf, 2, 3)]] struct status status_while(struct status, const char *format, ...);

/* "OK", "INVALID", "NOT_FOUND", …: what logs and `--json` show. Never NULL. */
const char *status_code_name(enum status_code);

/* What a failed allocation returns: UNAVAILABLE, since a later try may find the memory. */
#define OUT_OF_MEMORY failure(STATUS_UNAVAILABLE, "out of memory")

/* The two macros of control flow: leave this function with the failure of `call`. */
#define TRY(call)                                   \
	do {                                        \
		struct status try_status_ = (call); \
		if (try_status_.code != STATUS_OK)  \
			return try_status_;         \
	} while (0)

#define TRY_WHILE(call, ...)                                           \
	do {                                                           \
		struct status try_status_ = (call);                    \
		if (try_status_.code != STATUS_OK)                     \
			return status_while(try_status_, __VA_ARGS__); \
	} while (0)

/* Runs `destroy(&variable)` when the variable leaves its scope. */
#define AUTO(destroy) __attribute__((cleanup(destroy)))

#endif
