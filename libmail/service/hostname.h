/*
 * hostname: what this host is called, and the macros and classes that follow.
 *
 * Never waits for a name that cannot be found: an unqualified host name is taken
 * as it is.
 */
#ifndef LETTERBOX_SERVICE_HOSTNAME_H
#define LETTERBOX_SERVICE_HOSTNAME_H

#include "cf/cf.h"
#include "service/resolver.h"

struct hostname {
	char node[DNS_NAME_MAX];   /* as the kernel has it */
	char full[DNS_NAME_MAX];   /* qualified, when hosts file or resolver could */
	char domain[DNS_NAME_MAX]; /* of full, may be empty */
};

/* Finds the names; sets the resolver's own_domain. */
void hostname_find(struct hostname *h, struct resolver *r);

/*
 * Building, before cf_load: $w, $j, $m, $k, and classes w, m and k with the names and the
 * addresses that the hosts file has for them, since "C{x}$=w" takes what is there by then.
 */
void hostname_define(const struct hostname *h, const struct resolver *r, struct cf *cf);

/*
 * Building, after cf_load: class w gets $j and the addresses of the interfaces unless
 * DontProbeInterfaces says otherwise.
 */
void hostname_complete(const struct resolver *r, struct cf_eval *ev);

#endif
