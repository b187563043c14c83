/* trust: where the system keeps the CAs it trusts. */
#ifndef CLIENTS_HTTP_TRUST_H
#define CLIENTS_HTTP_TRUST_H

/*
 * libcurl's own folder of CAs, if files in it are named by hash, so that OpenSSL opens the one it
 * needs; NULL if not. The alternative, one bundle, is read as a whole: some 140 certificates, 50 ms
 * and 500 KiB, again for each connection.
 */
const char *trust_folder(void);

#endif
