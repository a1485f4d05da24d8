/*
 * One outgoing connection: from the first address that answers to QUIT.  See
 * service/relay_part.h.
 *
 * The server is hostile: what it says is bounded and made printable by the protocol's
 * machine, how long it may take is bounded here, and a message is only done when the
 * machine has reported every recipient.
 */
#include <errno.h>
#include <stdlib.h>

#include "service/relay_part.h"
#include "sys/log.h"

enum { QUIT_MS = 5000 };

/* What happens next with a connection whose machine said something. */
enum next { GO_ON, WAIT, GONE };

static void free_session(struct relay_session *s)
{
	struct relay_dest *d = s->dest;
	struct relay_session **at = &d->sessions;

	relay_io_close(s);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	d->open--;
	if (!s->ready)
		d->opening--;
	d->relay->sessions--;
	free(s);
	relay_dest_less(d);
}

/* The session's machine for a fresh connection. */
static void begin_smtp(struct relay_session *s)
{
	const struct relay_dest *d = s->dest;
	static const enum smtp_client_tls wanted[] = {
	    [MTA_TLS_NEVER] = SMTP_TLS_NEVER, [MTA_TLS_MAY] = SMTP_TLS_MAY,
	    [MTA_TLS_MUST] = SMTP_TLS_MUST,   [MTA_TLS_VERIFIED] = SMTP_TLS_MUST,
	    [MTA_TLS_AT_ONCE] = SMTP_TLS_ON,
	};
	/* Whoever insists on TLS has said so for this host, the ruleset for many. */
	bool clear = s->plain || (d->target.tls == MTA_TLS_MAY && !relay_tls_try(s));

	s->config = (struct smtp_client_config){
	    .name = d->target.helo,
	    .lmtp = d->target.protocol == MTA_LMTP,
	    .tls = clear ? SMTP_TLS_NEVER : wanted[d->target.tls],
	    .auth = d->target.auth && (d->relay->password.len || d->relay->config),
	};
	smtp_client_init(&s->smtp, &s->config);
	s->spoken = true;
}

/* An address that failed lately is left alone, if there is another. */
static bool is_dead(const struct relay_session *s, const struct relay_host *h, struct err *e)
{
	uint64_t now = s->dest->relay->loop.now_ms;

	if (!h || h->until_ms <= now)
		return false;
	*e = h->err;
	return !s->last || h->until_ms > now + RELAY_DEAD_MS - RELAY_AGAIN_MS;
}

/* How long the next address has; 0: all of them together have had their time. */
static uint64_t connect_ms(const struct relay_session *s)
{
	const struct relay_dest *d = s->dest;
	const struct settings *set = &d->relay->settings;
	uint64_t ms = set->timeout_connect_s ? set->timeout_connect_s * 1000
					     : RELAY_CONNECT_S * 1000,
		 spent = d->relay->loop.now_ms - s->began_ms, all = set->timeout_aconnect_s * 1000;

	if (set->timeout_iconnect_s && d->waiting && d->waiting->send.first)
		ms = set->timeout_iconnect_s * 1000;
	if (all && spent >= all)
		return 0;
	return all && all - spent < ms ? all - spent : ms;
}

/* Not for good; a status whose class contradicts that would be read as final. */
static void soften(struct err *e)
{
	e->class = ERR_TEMP;
	if (e->status[0] == '5')
		e->status[0] = '4';
}

/* The next address that may be tried; false: there is none, and s is freed. */
static bool try_addresses(struct relay_session *s, struct err *last)
{
	struct relay_dest *d = s->dest;
	struct relay *r = d->relay;

	for (;; s->at++) {
		const struct relay_addr *addr;
		const struct relay_host *h;

		if (s->at == d->count || connect_ms(s) == 0) {
			/* Those that rules refused are refused again. */
			if (s->last || !s->maybe || connect_ms(s) == 0)
				break;
			s->last = true;
			s->at = 0;
		}
		addr = &d->addrs[s->at];
		h = relay_dest_host(r, addr);
		relay_find_describe(addr, s->name);
		if (is_dead(s, h, last) || relay_tls_pass_over(s, last)) {
			s->maybe = true;
			continue;
		}
		s->plain = s->plain ||
			   (h && h->no_tls_ms > r->loop.now_ms && d->target.tls == MTA_TLS_MAY);
		if (relay_io_connect(s, addr, last)) {
			s->state = RELAY_CONNECTING;
			loop_timer_set(&r->loop, &s->timer, connect_ms(s));
			return true;
		}
		relay_dest_note(r, addr, last, false);
		s->maybe = true;
		s->plain = false;
	}
	/* Final only where there is no other: one that is not there now may take it, or one for
	 * which no time was left. */
	if (s->maybe || s->at < d->count)
		soften(last);
	relay_dest_fail(d, last, s->name);
	free_session(s);
	return false;
}

/* This address is of no use (e says why): the same without TLS, or the next. */
static void next_address(struct relay_session *s, struct err e)
{
	struct relay_dest *d = s->dest;
	bool again = s->tls_bad && d->target.tls == MTA_TLS_MAY && !s->plain &&
		     relay_tls_judge_failure(s, &e);

	/* What a server says before it has seen a message is never final. */
	if (!s->refused) {
		s->maybe = true;
		soften(&e);
	}
	relay_io_close(s);
	log_info("relay=%s: %s%s", s->name, e.text, again ? "; trying without TLS" : "");
	if (again) {
		/* Where rules judge, each name may be judged otherwise. */
		if (!relay_tls_judged(d->relay))
			relay_dest_note(d->relay, &d->addrs[s->at], &e, true);
	} else {
		/*
		 * While it serves other connections it is not dead, only busy; and what is said
		 * about a name is not about the address.
		 */
		if (d->open == d->opening && !s->refused)
			relay_dest_note(d->relay, &d->addrs[s->at], &e, false);
		s->at++;
	}
	s->plain = again;
	s->gone = s->spoken = s->told = s->tls_bad = s->ending = s->judged = s->refused = false;
	s->why = (struct err){0};
	s->auth_step = 0;
	s->progress = 0;
	try_addresses(s, &e);
}

static enum next on_event(struct relay_session *s, enum smtp_client_event ev)
{
	struct err e;

	switch (ev) {
	case SMTP_CLIENT_STARTTLS:
		relay_io_flush(s);
		relay_io_start_tls(s);
		return GO_ON;
	case SMTP_CLIENT_AUTH:
	case SMTP_CLIENT_READY:
		if (!relay_tls_judge(s, &e)) {
			buf_puts(&s->out, "QUIT\r\n");
			relay_io_flush(s);
			next_address(s, e);
			return GONE;
		}
		if (ev == SMTP_CLIENT_AUTH) {
			relay_auth_begin(s);
			return GO_ON;
		}
		s->ready = true;
		s->dest->opening--;
		relay_dest_forget(s->dest->relay, &s->dest->addrs[s->at]);
		/* Carefully back to as many as there may be. */
		if (s->dest->most < RELAY_PER_DEST)
			s->dest->most++;
		relay_message_take(s);
		return GO_ON;
	case SMTP_CLIENT_CHALLENGE:
		relay_auth_answer(s);
		return GO_ON;
	case SMTP_CLIENT_BODY:
		s->texted = s->body = true;
		s->source = s->job->header >= 0 ? s->job->header : s->job->fd;
		s->offset = s->job->header >= 0 ? 0 : s->job->send.at;
		s->left = s->job->send.size;
		return WAIT;
	case SMTP_CLIENT_RCPT:
		s->body = false;
		relay_message_note(s);
		return GO_ON;
	case SMTP_CLIENT_DONE:
		relay_message_done(s);
		if (!s->smtp.closing)
			relay_message_take(s);
		return GO_ON;
	case SMTP_CLIENT_CLOSED:
		if (s->ready)
			free_session(s);
		else
			next_address(s, s->smtp.err);
		return GONE;
	default:
		return WAIT;
	}
}

/* Lets the machine work until it needs input; false: s is gone. */
static bool talk(struct relay_session *s)
{
	for (;;) {
		enum smtp_client_event ev;
		enum next next;
		size_t used;
		bool moved = s->tls && relay_io_tls(s);

		if (s->tls && tls_state(s->tls) == TLS_HANDSHAKE && s->why.class == ERR_NONE &&
		    !s->gone)
			return true;
		if (!s->spoken && s->why.class == ERR_NONE && !s->gone)
			begin_smtp(s);
		if (s->gone && s->why.class == ERR_NONE && s->in.len == 0 && !moved)
			relay_io_error(s, EPIPE, &s->why);
		if (s->why.class != ERR_NONE && !s->spoken) {
			next_address(s, s->why);
			return false;
		}
		if (s->why.class != ERR_NONE && !s->told) {
			s->told = true;
			smtp_client_lost(&s->smtp, &s->why);
		}
		ev = smtp_client_feed(&s->smtp, buf_span(&s->in), &used, &s->out);
		buf_consume(&s->in, used);
		next = on_event(s, ev);
		if (next == GONE)
			return false;
		/* Input that is no whole line, and nothing behind it. */
		if (next == WAIT && s->gone && s->why.class == ERR_NONE && !moved) {
			buf_reset(&s->in);
			continue;
		}
		if (next == WAIT && !moved && s->why.class == ERR_NONE)
			return true;
	}
}

/* How long the server may take for what it is asked for now. */
static uint64_t patience_s(const struct relay_session *s, enum smtp_client_phase phase)
{
	const struct settings *set = &s->dest->relay->settings;
	uint64_t wanted =
	    phase == SMTP_PHASE_DATABLOCK ? set->timeout_data_s : set->timeout_relay_s[phase];

	return wanted ? wanted : smtp_client_timeout(phase);
}

/* Progress is what moves the time limit, not octets: a server could drip them. */
static void set_timer(struct relay_session *s)
{
	struct loop *l = &s->dest->relay->loop;
	enum smtp_client_phase phase;
	uint64_t progress;

	if (s->ending) {
		loop_timer_set(l, &s->timer, QUIT_MS);
		return;
	}
	if (s->state == RELAY_IDLE) {
		loop_timer_set(l, &s->timer, RELAY_IDLE_MS);
		return;
	}
	phase = s->spoken ? smtp_client_phase(&s->smtp) : SMTP_PHASE_STARTTLS;
	progress = (uint64_t)(phase + 1) << 56 ^ (uint64_t)s->messages << 40 ^
		   (uint64_t)s->smtp.got << 32 ^ (s->body ? s->offset : 0);
	if (progress == s->progress)
		return;
	s->progress = progress;
	loop_timer_set(l, &s->timer, patience_s(s, phase) * 1000);
}

/* The text goes out as fast as the server takes it; false: s is gone. */
static bool send_all(struct relay_session *s)
{
	for (;;) {
		bool told = s->told, all;

		relay_io_body(s);
		all = relay_io_flush(s);
		if (s->why.class != ERR_NONE || told != s->told || s->gone)
			return talk(s);
		if (!s->body || !all || s->out.len)
			return true;
	}
}

void relay_session_run(struct relay_session *s)
{
	struct loop *l = &s->dest->relay->loop;
	bool waits;

	if (s->state == RELAY_CONNECTING) {
		if (s->why.class != ERR_NONE) {
			next_address(s, s->why);
			return;
		}
		s->state = RELAY_TALKING;
		buf_init(&s->in, RELAY_IN_MAX + RELAY_CHUNK);
		buf_init(&s->cipher, RELAY_IN_MAX + RELAY_CHUNK);
		buf_init(&s->out, RELAY_OUT_MAX);
		if (s->dest->target.tls == MTA_TLS_AT_ONCE)
			relay_io_start_tls(s);
	}
	if (s->job && l->now_ms - s->began_ms > RELAY_MESSAGE_S * 1000u)
		relay_io_error(s, ETIMEDOUT, &s->why);
	if (!talk(s) || !send_all(s))
		return;
	waits = s->out.len || (s->tls && tls_output(s->tls).len) || s->body;
	loop_events(l, &s->watch, EPOLLIN | (waits ? EPOLLOUT : 0u));
	set_timer(s);
}

static void on_time(struct loop_timer *t)
{
	struct relay_session *s =
	    (struct relay_session *)((char *)t - offsetof(struct relay_session, timer));

	if (s->ending) {
		free_session(s);
		return;
	}
	if (s->state == RELAY_IDLE) {
		s->ending = true;
		smtp_client_quit(&s->smtp, &s->out);
	} else {
		s->tls_bad = s->tls && tls_state(s->tls) == TLS_HANDSHAKE;
		relay_io_error(s, ETIMEDOUT, &s->why);
	}
	relay_session_run(s);
}

bool relay_session_open(struct relay_dest *d)
{
	struct relay_session *s = calloc(1, sizeof *s);
	struct err e;

	if (!s)
		return false;
	s->dest = d;
	s->watch.fd = -1;
	s->began_ms = d->relay->loop.now_ms;
	s->timer.fire = on_time;
	s->next = d->sessions;
	d->sessions = s;
	d->open++;
	d->opening++;
	d->relay->sessions++;
	err_temp(&e, "4.4.1", "no address could be tried");
	return try_addresses(s, &e);
}

void relay_session_wake(struct relay_session *s)
{
	relay_message_take(s);
	relay_session_run(s);
}

void relay_session_stop(struct relay_session *s)
{
	/* Once the text is on its way the server may have it all: its answer is waited for. */
	if (s->job && s->texted)
		return;
	err_temp(&s->why, "4.3.2", "the mail system is being stopped");
	if (s->state == RELAY_CONNECTING)
		free_session(s);
	else
		relay_session_run(s);
}
