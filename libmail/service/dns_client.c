/*
 * The resolver of the event loops; see service/dns_client.h.
 *
 * Who asked and what is kept; the sockets are dns_client_wire.c's.
 */
#include <stdlib.h>

#include "base/ascii.h"
#include "service/dns_client_part.h"

void dns_client_init(struct dns_client *d, struct loop *l, const struct resolver *conf)
{
	*d = (struct dns_client){.loop = l, .conf = conf};
}

/* Takes the one at this place off the list. */
static void unlink_ask(struct dns_client_ask **at)
{
	struct dns_client_ask *k = *at;

	*at = k->next;
	if (k->client->asked == k)
		k->client->asked = NULL;
	dns_client_wire_stop(k);
}

static void drop_ask(struct dns_client_ask **at)
{
	struct dns_client_ask *k = *at;

	unlink_ask(at);
	k->client->streams -= !k->type && !k->answered;
	k->client->kept -= !k->type && k->answered;
	buf_free(&k->in);
	free(k);
}

static void stop_waiting(struct dns_client_wait *w)
{
	struct dns_client_wait **at;

	for (at = &w->ask->waits; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	w->ask = NULL;
}

void dns_client_free(struct dns_client *d)
{
	while (d->asks) {
		while (d->asks->waits)
			stop_waiting(d->asks->waits);
		drop_ask(&d->asks);
	}
	dns_cache_free(&d->cache);
}

/* There may be room for those that wait for their turn. */
static void go_on(const struct dns_client *d)
{
	for (struct dns_client_ask *next = d->asks; next; next = next->next)
		if (next->waiting)
			dns_client_wire_start(next);
}

/* What streams have said is for one evaluation, and that is over; w may be gone. */
static void forget(struct dns_client *d, const struct dns_client_wait *w)
{
	struct dns_client_ask **at = &d->asks;

	while (*at)
		if ((*at)->owner == w && !(*at)->type)
			drop_ask(at);
		else
			at = &(*at)->next;
	go_on(d);
}

/* Those that wait for k have it run on, and say so if they have to wait again. */
static void tell(struct dns_client *d, struct dns_client_wait *w)
{
	stop_waiting(w);
	d->current = w;
	w->done(w);
	if (d->current)
		forget(d, d->current);
	d->current = NULL;
}

/* Of many answers each takes no more room than it has octets. */
static void keep(struct dns_client_ask *k)
{
	struct buf whole = k->in;

	k->answered = true;
	k->client->streams--;
	k->client->kept++;
	buf_init(&k->in, whole.max);
	buf_put(&k->in, buf_span(&whole));
	buf_free(&whole);
}

/* The question is answered: who waits is told, and the next one may go on the wire. */
void dns_client_finish(struct dns_client_ask *k, int status, struct span message, uint64_t ttl_s)
{
	struct dns_client *d = k->client;
	struct dns_client_ask **at = &d->asks;

	while (*at != k)
		at = &(*at)->next;
	if (ttl_s < DNS_CLIENT_KEEP_S)
		ttl_s = DNS_CLIENT_KEEP_S;
	if (ttl_s > DNS_CLIENT_KEEP_MAX_S)
		ttl_s = DNS_CLIENT_KEEP_MAX_S;
	if (k->type) {
		dns_cache_put(&d->cache, span_str(k->question), k->type,
			      d->loop->now_ms + ttl_s * 1000, status, message);
		unlink_ask(at);
		go_on(d);
		while (k->waits)
			tell(d, k->waits);
		free(k);
	} else if (k->owner) {
		dns_client_wire_stop(k);
		keep(k);
		go_on(d);
		/* It belongs to one, and may be gone with it. */
		if (k->waits)
			tell(d, k->waits);
	} else {
		drop_ask(at);
		go_on(d);
	}
}

/* A new question, the last in the line; NULL when memory is short. */
static struct dns_client_ask *new_ask(struct dns_client *d, struct span question, uint16_t type)
{
	struct dns_client_ask *k = calloc(1, sizeof *k + question.len + 1), **at = &d->asks;

	if (!k)
		return NULL;
	memcpy(k->question, question.ptr, question.len);
	k->len = question.len;
	k->client = d;
	k->type = type;
	k->server = d->server;
	k->watch.fd = -1;
	buf_init(&k->in, DNS_TCP_MAX + 2 + DNS_CLIENT_READ);
	while (*at)
		at = &(*at)->next;
	*at = k;
	return k;
}

/* The question under way, or a new one; NULL when memory is short. */
static struct dns_client_ask *find_ask(struct dns_client *d, struct span name, uint16_t type)
{
	struct dns_client_ask *k;

	for (k = d->asks; k; k = k->next)
		if (k->type == type && ascii_eq_nocase(span_str(k->question), name))
			return k;
	k = new_ask(d, name, type);
	if (k)
		dns_client_wire_start(k);
	return k;
}

int dns_client_get(struct dns_client *d, struct span name, uint16_t type, struct span *message)
{
	struct dns_client_ask *k;
	char mem[DNS_UDP_MAX];
	struct buf b;
	int status;

	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	buf_init_fixed(&b, mem, sizeof mem);
	if (!dns_put_query(&b, 0, name, type) || memchr(name.ptr, '\0', name.len))
		return EXIT_NOHOST;
	if (dns_cache_get(&d->cache, name, type, d->loop->now_ms, &status, message))
		return status;
	k = find_ask(d, name, type);
	if (!k)
		return EXIT_TEMPFAIL;
	d->asked = k;
	return DNS_CLIENT_PENDING;
}

int dns_client_stream(struct dns_client *d, const struct sockaddr_storage *to, struct span question,
		      bool (*whole)(struct span in), struct span *answer)
{
	struct dns_client_ask *k;

	for (k = d->asks; k; k = k->next)
		if (!k->type && k->owner == d->current &&
		    span_eq(span_make(k->question, k->len), question) &&
		    memcmp(&k->to, to, sizeof *to) == 0)
			break;
	if (!k && d->streams < DNS_CLIENT_STREAMS && d->kept < DNS_CLIENT_KEPT &&
	    (k = new_ask(d, question, 0)) != NULL) {
		d->streams++;
		k->tcp = true;
		k->owner = d->current;
		k->to = *to;
		k->whole = whole;
		loop_timer_set(d->loop, &k->timer, DNS_CLIENT_STREAM_MS);
		dns_client_wire_start(k);
	}
	if (!k)
		return EXIT_TEMPFAIL;
	d->asked = k;
	*answer = buf_span(&k->in);
	return !k->answered ? DNS_CLIENT_PENDING : k->absent ? EXIT_UNAVAILABLE : 0;
}

void dns_client_await(struct dns_client *d, struct dns_client_wait *w)
{
	struct dns_client_ask *k = d->asked;

	BUG_ON(w->ask != NULL);
	for (struct dns_client_ask *mine = d->asks; mine; mine = mine->next)
		if (!mine->owner && !mine->type)
			mine->owner = w;
	if (!k->type)
		k->owner = w;
	if (d->current == w)
		d->current = NULL;
	w->ask = k;
	w->next = k->waits;
	k->waits = w;
}

void dns_client_cancel(struct dns_client_wait *w)
{
	struct dns_client_ask *k = w->ask;

	if (!k)
		return;
	stop_waiting(w);
	forget(k->client, w);
}

static int ask(struct resolver *r, struct span name, uint16_t type, struct dns_answer *a)
{
	struct span message;
	int status = dns_client_get(r->asker, name, type, &message);

	if (status)
		return status;
	if (!dns_open_answer(a, message, 0, name, type))
		return EXIT_TEMPFAIL;
	return a->rcode == DNS_NXDOMAIN ? EXIT_NOHOST : 0;
}

void dns_client_attach(struct dns_client *d, struct resolver *r)
{
	r->ask = ask;
	r->asker = d;
}
