/*
 * Hosts of a target as addresses; see service/relay_part.h.  RFC 5321 5.1, RFC 7505.
 *
 * Runs from its start whenever an answer that it waited for is there, so it keeps nothing
 * between runs but what the resolver's cache has.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "service/relay_part.h"
#include "sys/peer.h"
#include "sys/rand.h"

struct search {
	struct relay_dest *d;
	struct relay_addr *found;
	size_t count;
	bool pending, temporary;
	struct err err; /* of the last host without an address */
};

void relay_find_describe(const struct relay_addr *a, char out[RELAY_NAME_MAX])
{
	char text[PEER_TEXT_MAX] = "";
	struct sockaddr_storage ss = {0};

	if (a->sa.sa_family == AF_UNIX) {
		snprintf(out, RELAY_NAME_MAX, "%s [%s]", a->name, a->un.sun_path);
		return;
	}
	memcpy(&ss, &a->sa, a->sa.sa_family == AF_INET ? sizeof a->in : sizeof a->in6);
	peer_describe(&ss, text, sizeof text);
	snprintf(out, RELAY_NAME_MAX, "%s [%s%s]", a->name, strchr(text, ':') ? "IPv6:" : "", text);
}

/* The next place of the list with name and port in it; NULL when it is full. */
static struct relay_addr *place(struct search *s, struct span name)
{
	struct relay_addr *a = &s->found[s->count];

	if (s->count == RELAY_ADDRS)
		return NULL;
	memset(a, 0, sizeof *a);
	if (!span_to_cstr(name, a->name, sizeof a->name))
		return NULL;
	err_printable(a->name);
	return a;
}

static bool add_text(struct search *s, struct span name, struct span address)
{
	char text[INET6_ADDRSTRLEN];
	struct relay_addr *a = place(s, name);

	if (ascii_starts_nocase(address, SPAN("IPv6:")))
		address = span_skip(address, 5);
	if (!a || !span_to_cstr(address, text, sizeof text))
		return false;
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(s->d->target.port);
	} else if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(s->d->target.port);
	} else {
		return false;
	}
	s->count++;
	return true;
}

static void add_records(struct search *s, struct span name, uint16_t type, struct span message)
{
	struct dns_record rr;
	struct dns_answer a;

	if (!dns_open_answer(&a, message, 0, name, type))
		return;
	while (dns_next_record(&a, &rr)) {
		char mem[INET6_ADDRSTRLEN];
		struct buf text;

		buf_init_fixed(&text, mem, sizeof mem);
		if (rr.type != type)
			continue;
		dns_put_data(&rr, &text);
		add_text(s, name, buf_span(&text));
	}
}

/* The addresses of a host by name: from the hosts file, else AAAA and A. */
static void add_host(struct search *s, struct span name)
{
	static const uint16_t types[] = {DNS_AAAA, DNS_A};
	struct span line[RELAY_ADDRS], message[2] = {{NULL, 0}};
	size_t before = s->count;
	size_t n = resolver_hosts_addresses(&s->d->relay->resolver, name, line, RELAY_ADDRS);
	bool failed = false;
	int status[2];

	for (size_t i = 0; i < n; i++)
		add_text(s, name, line[i]);
	if (s->count > before)
		return;
	/* Both are asked for before either is waited for. */
	for (int i = 0; i < 2; i++) {
		status[i] = dns_client_get(&s->d->relay->dns, name, types[i], &message[i]);
		s->pending = s->pending || status[i] == DNS_CLIENT_PENDING;
		failed = failed || status[i] == EXIT_TEMPFAIL;
	}
	/* The second question may have moved the first answer's memory. */
	for (int i = 0; i < 2; i++)
		if (status[i] == 0 &&
		    dns_client_get(&s->d->relay->dns, name, types[i], &message[i]) == 0)
			add_records(s, name, types[i], message[i]);
	if (s->count > before)
		return;
	s->temporary = s->temporary || failed;
	if (failed)
		err_temp(&s->err, "4.4.3", "Name server: %.*s: host name lookup failure",
			 SPAN_ARG(span_head(name, 100)));
	else
		err_perm(&s->err, "5.1.2", "Host unknown (Name server: %.*s: host not found)",
			 SPAN_ARG(span_head(name, 100)));
}

/* Equal ones in random order: load is shared among them (RFC 5321 5.1). */
static void shuffle(struct resolver_mx *mx, int n)
{
	for (int i = 0; i < n; i++) {
		int same = 1;
		struct resolver_mx t;

		while (i + same < n && mx[i + same].preference == mx[i].preference)
			same++;
		same = i + (int)(rand_u64() % (unsigned)same);
		t = mx[i];
		mx[i] = mx[same];
		mx[same] = t;
	}
}

static void add_domain(struct search *s, struct span name)
{
	struct resolver_mx mx[RESOLVER_MX];
	enum resolver_mx_kind kind;
	int n, status = resolver_find_mx(&s->d->relay->resolver, name, mx, &n, &kind);

	/* Names that only the hosts file has are names too. */
	if (status == EXIT_NOHOST) {
		status = 0;
		kind = RESOLVER_MX_SELF;
	}
	if (status == RESOLVER_PENDING) {
		s->pending = true;
	} else if (status) {
		s->temporary = true;
		err_temp(&s->err, "4.4.3", "Name server: %.*s: host name lookup failure",
			 SPAN_ARG(span_head(name, 100)));
	} else if (kind == RESOLVER_MX_NULL) {
		err_perm(&s->err, "5.1.10", "Domain %.*s does not accept mail (null MX)",
			 SPAN_ARG(span_head(name, 100)));
	} else if (kind == RESOLVER_MX_FOUND) {
		shuffle(mx, n);
		/* All of them are asked about before any is waited for. */
		for (int i = 0; i < n; i++)
			add_host(s, span_str(mx[i].name));
	} else {
		add_host(s, name);
	}
}

static void add(struct search *s, struct span host)
{
	struct span inner = host;

	if (host.len > 2 && host.ptr[0] == '[') {
		inner = span_head(span_skip(host, 1), span_index(host, ']') - 1);
		if (!add_text(s, inner, inner))
			add_host(s, inner);
		return;
	}
	if (inner.len && inner.ptr[inner.len - 1] == '.')
		inner.len--;
	if (inner.len)
		add_domain(s, inner);
}

static bool add_path(struct search *s, struct span path)
{
	struct relay_addr *a = place(s, SPAN("localhost"));

	if (!a || !span_to_cstr(path, a->un.sun_path, sizeof a->un.sun_path)) {
		err_perm(&s->err, "5.3.5", "the path of the Unix socket is too long");
		return false;
	}
	a->un.sun_family = AF_UNIX;
	s->count++;
	return true;
}

/* The host up to the next ':' outside of brackets; *list goes behind it. */
static struct span cut_host(struct span *list)
{
	size_t close = list->len && list->ptr[0] == '[' ? span_index(*list, ']') : 0;
	size_t n = close + span_index(span_skip(*list, close), ':');
	struct span host = span_head(*list, n);

	*list = span_skip(*list, n + 1);
	return host;
}

int relay_find(struct relay_dest *d, struct err *e)
{
	struct span list = d->target.hosts;
	struct search s = {.d = d, .found = calloc(RELAY_ADDRS, sizeof *s.found)};

	err_perm(&s.err, "5.1.2", "Host unknown");
	if (!s.found) {
		err_temp(e, "4.3.0", "out of memory");
		return EXIT_TEMPFAIL;
	}
	if (list.ptr[0] == '/')
		add_path(&s, list);
	else
		while (list.len)
			add(&s, cut_host(&list));
	if (s.count && !s.pending) {
		free(d->addrs);
		d->addrs = s.found;
		d->count = s.count;
		return 0;
	}
	free(s.found);
	if (s.pending)
		return DNS_CLIENT_PENDING;
	/* Whoever could not be asked about may be there later. */
	if (s.temporary && s.err.class == ERR_PERM)
		err_temp(&s.err, "4.4.3", "Name server: host name lookup failure");
	*e = s.err;
	return s.err.class == ERR_PERM ? EXIT_NOHOST : EXIT_TEMPFAIL;
}
