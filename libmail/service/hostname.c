/*
 * The host's own names; see service/hostname.h.
 *
 * Must not block start-up: one look into the hosts file, one question at most.
 */
#include "service/hostname.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/ascii.h"
#include "base/err.h"

static void set_domain(struct hostname *h)
{
	const char *dot = strchr(h->full, '.');

	h->domain[0] = '\0';
	if (dot)
		snprintf(h->domain, sizeof h->domain, "%s", dot + 1);
}

void hostname_find(struct hostname *h, struct resolver *r)
{
	/* The kernel's name as it is; only the hosts file or DNS can make it a full one. */
	struct utsname u;
	struct buf b;

	memset(h, 0, sizeof *h);
	uname(&u);
	snprintf(h->node, sizeof h->node, "%s", u.nodename);
	buf_init_fixed(&b, h->full, sizeof h->full - 1);
	if (!r || resolver_hosts_line(r, span_str(h->node)).len == 0 ||
	    resolver_canon(r, span_str(h->node), false, &b) != 0)
		snprintf(h->full, sizeof h->full, "%s", h->node);
	else
		h->full[b.len] = '\0';
	set_domain(h);
	/* Search lists append the domain of this host to names without a dot. */
	if (r)
		snprintf(r->own_domain, sizeof r->own_domain, "%s", h->domain);
}

static void add_address(struct cf *cf, struct span a)
{
	char mem[DNS_NAME_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	buf_putc(&b, '[');
	/* The form of an address literal (RFC 5321 section 4.1.3). */
	if (span_index(a, ':') < a.len)
		buf_puts(&b, "IPv6:");
	buf_put(&b, a);
	buf_putc(&b, ']');
	if (buf_ok(&b))
		cf_class_add(cf, 'w', buf_span(&b));
}

/* The addresses that the hosts file has for our name. */
static void add_hosts_addresses(const struct resolver *r, struct cf *cf, struct span name)
{
	struct span s = buf_span(&r->hosts);

	while (s.len) {
		struct span line = span_cut(&s, '\n'), words, address, w;

		words = span_trim(span_head(line, span_index(line, '#')));
		address = ascii_cut_word(&words);
		for (w = ascii_cut_word(&words); w.len; w = ascii_cut_word(&words))
			if (ascii_eq_nocase(w, name))
				add_address(cf, address);
	}
}

static void add_names(const struct resolver *r, struct cf *cf, struct span name)
{
	struct span line = resolver_hosts_line(r, name), w;

	for (w = ascii_cut_word(&line); w.len; w = ascii_cut_word(&line))
		cf_class_add(cf, 'w', w);
}

/* sendmail's macros: $w and $j the full name, $k the node name, $m the domain. */
void hostname_define(const struct hostname *h, const struct resolver *r, struct cf *cf)
{
	struct span full = span_str(h->full);

	cf_macro_define(cf, 'w', full);
	cf_macro_define(cf, 'j', full);
	cf_macro_define(cf, 'k', span_str(h->node));
	cf_class_add(cf, 'k', span_str(h->node));
	cf_class_add(cf, 'w', full);
	cf_class_add(cf, 'w', span_head(full, span_index(full, '.')));
	add_names(r, cf, full);
	add_hosts_addresses(r, cf, full);
	if (h->domain[0]) {
		cf_macro_define(cf, 'm', span_str(h->domain));
		cf_class_add(cf, 'm', span_str(h->domain));
	}
}

/*
 * Mail to user@[1.2.3.4] is for us when that is one of our addresses, and so is mail to
 * the names that the hosts file gives them.
 */
static void probe_interfaces(const struct resolver *r, struct cf *cf, bool loopback)
{
	struct ifaddrs *all, *i;

	if (getifaddrs(&all) != 0)
		return;
	for (i = all; i; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		const void *a = NULL;

		if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) ||
		    (!loopback && (i->ifa_flags & IFF_LOOPBACK)))
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			a = &((const struct sockaddr_in *)i->ifa_addr)->sin_addr;
		else if (i->ifa_addr->sa_family == AF_INET6)
			a = &((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
		if (!a || !inet_ntop(i->ifa_addr->sa_family, a, text, sizeof text))
			continue;
		add_address(cf, span_str(text));
		add_names(r, cf, span_str(text));
	}
	freeifaddrs(all);
}

void hostname_complete(const struct resolver *r, struct cf_eval *ev)
{
	struct span probe = cf_option_get(ev->cf, "DontProbeInterfaces");
	struct cf *cf = ev->cf;
	char mem[CF_LINE];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	cf_expand(ev, SPAN("\201j"), &b);
	cf_class_add(cf, 'w', buf_span(&b));
	/* DontProbeInterfaces: true is "not at all", "loopback" leaves only that one out. */
	if (!probe.len || strchr("FfNnLl", probe.ptr[0]))
		probe_interfaces(r, cf, !probe.len || ascii_lower(probe.ptr[0]) != 'l');
}
