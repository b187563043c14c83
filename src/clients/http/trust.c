#include "clients/http/trust.h"

#include <curl/curl.h>
#include <dirent.h>
#include <stdbool.h>
#include <string.h>

/* "a94d09e5.0": what openssl-rehash(1) makes. */
static bool named_by_hash(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && strcmp(name + 8, ".0") == 0;
}

static const char *find_folder(void)
{
	const char *path = curl_version_info(CURLVERSION_NOW)->capath;
	DIR *folder = path != NULL ? opendir(path) : NULL;
	const struct dirent *entry;
	bool found = false;

	if (folder == NULL)
		return NULL;
	while (!found && (entry = readdir(folder)) != NULL)
		found = named_by_hash(entry->d_name);
	closedir(folder);
	return found ? path : NULL;
}

const char *trust_folder(void)
{
	static const char *folder;
	static bool looked;

	if (!looked)
		folder = find_folder();
	looked = true;
	return folder;
}
