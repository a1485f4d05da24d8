/*
 * tls_names: whom a certificate names, as text for rules and logs (RFC 5280 section 4.1.2.4).
 *
 * The form is sendmail's ${cert_subject}: "/C=XX/O=Some+20Company/CN=mx.example", where "+20"
 * stands for the octet 0x20.  What comes in is hostile.
 */
#ifndef LETTERBOX_PROTO_TLS_NAMES_H
#define LETTERBOX_PROTO_TLS_NAMES_H

#include "base/span.h"

enum {
	TLS_NAMES_TEXT = 512, /* octets of a name, NUL included; what is longer is "" */
	TLS_NAMES_CN = 192,
	TLS_NAMES_HEAD = 1024, /* octets of a certificate in which both names end, mostly */
};

struct tls_name {
	char text[TLS_NAMES_TEXT];
	char cn[TLS_NAMES_CN]; /* the first common name, or "" */
};

struct tls_names {
	struct tls_name issuer, subject;
};

/* Reads them from the beginning of a certificate in DER; what is not there is "". */
void tls_names_read(struct span der, struct tls_names *out);

#endif
