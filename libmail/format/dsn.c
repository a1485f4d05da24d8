/*
 * RFC 3464 reports; see format/dsn.h.
 *
 * Layout and texts of the first part are sendmail's, since people and log readers know them.  No
 * octet of a recipient, reply or client name is written but by put_clean or put_field.
 */
#include "format/dsn.h"

#include "base/ascii.h"
#include "base/num.h"
#include "format/date.h"
#include "format/header.h"

enum dsn_kind { KIND_FAILURE, KIND_DELAY, KIND_RECEIPT };

/* class.subject.detail, class 2, 4 or 5, up to three digits each (RFC 3463 section 2). */
bool dsn_is_status(struct span s)
{
	if (s.len < 5 || !memchr("245", s.ptr[0], 3) || s.ptr[1] != '.')
		return false;
	s = span_skip(s, 2);
	for (int i = 0; i < 2; i++) {
		uint64_t v;
		struct span part = i ? s : span_cut(&s, '.');
		if (part.len > 3 || !num_parse(part, 999, &v))
			return false;
	}
	return true;
}

/* Text as one run of printable ASCII: what is none becomes '?', line ends a blank. */
static void put_clean(struct buf *out, struct span s, size_t max)
{
	bool blank = false;

	/* Cut first: a reply of a hostile server may be as long as it likes. */
	s = span_head(span_trim(s), max);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (c == '\r' || c == '\n' || ascii_is_blank(c)) {
			blank = true;
			continue;
		}
		if (blank)
			buf_putc(out, ' ');
		blank = false;
		buf_putc(out, ascii_is_print(c) ? c : '?');
	}
}

static void put_line(struct buf *out, const struct dsn_report *r, const char *text)
{
	buf_puts(out, text);
	buf_puts(out, r->eol);
}

/* "Name: type; value", or nothing for an empty value. */
static void put_field(struct buf *out, const struct dsn_report *r, const char *name,
		      const char *type, struct span value)
{
	struct buf text;

	/* A field without value would be malformed; all of these are optional, or never empty. */
	if (value.len == 0)
		return;
	buf_init(&text, DSN_DIAGNOSTIC_MAX + 32);
	buf_puts(&text, type);
	put_clean(&text, value, DSN_DIAGNOSTIC_MAX);
	header_put_field(out, span_str(name), buf_span(&text), r->eol);
	buf_free(&text);
}

static void put_date_field(struct buf *out, const struct dsn_report *r, const char *name, int64_t t)
{
	if (t == 0)
		return;
	buf_puts(out, name);
	buf_puts(out, ": ");
	date_put(out, t, r->zone);
	buf_puts(out, r->eol);
}

static enum dsn_kind kind_of(const struct dsn_report *r)
{
	enum dsn_kind kind = KIND_RECEIPT;

	/* The worst that happened names the whole report. */
	for (size_t i = 0; i < r->nrecipients; i++) {
		if (r->recipients[i].action == DSN_FAILED)
			return KIND_FAILURE;
		if (r->recipients[i].action == DSN_DELAYED)
			kind = KIND_DELAY;
	}
	return kind;
}

/* "4 hours": the largest unit that fits, or minutes. */
static void put_duration(struct buf *out, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
	size_t i = 0;

	/* The clock was set back meanwhile. */
	if (seconds < 0)
		seconds = 0;
	while (i < 2 && seconds < units[i].seconds)
		i++;
	int64_t n = seconds / units[i].seconds;
	buf_printf(out, "%lld %s%s", (long long)n, units[i].name, n == 1 ? "" : "s");
}

/*
 * The line end before the dashes belongs to the delimiter (RFC 2046 section 5.1.1), so a
 * part that ends in none keeps it so.
 */
static void put_part(struct buf *out, const struct dsn_report *r)
{
	buf_puts(out, r->eol);
	buf_puts(out, "--");
	buf_put(out, r->boundary);
	buf_puts(out, r->eol);
}

static void put_top(struct buf *out, const struct dsn_report *r)
{
	static const char *const autos[] = {"failure", "warning-timeout", "return-receipt"};
	enum dsn_kind kind = kind_of(r);

	/* The envelope sender is null, which the caller sees to; this field is for people. */
	put_date_field(out, r, "Date", r->now);
	/* Addresses stand in brackets, cleaned: whatever they hold, it stays one field. */
	buf_puts(out, "From: Mail Delivery Subsystem <");
	put_clean(out, r->daemon, DSN_ADDRESS_MAX);
	buf_printf(out, ">%sMessage-ID: <", r->eol);
	put_clean(out, r->message_id, DSN_ADDRESS_MAX);
	buf_printf(out, ">%sTo: <", r->eol);
	put_clean(out, r->to, DSN_ADDRESS_MAX);
	buf_printf(out, ">%sMIME-Version: 1.0%s", r->eol, r->eol);
	buf_printf(out,
		   "Content-Type: multipart/report; report-type=delivery-status;%s\tboundary=\"",
		   r->eol);
	buf_put(out, r->boundary);
	put_line(out, r, "\"");
	/* A multipart must own up to what its parts hold (RFC 2045 6.4). */
	if (r->eightbit)
		put_line(out, r, "Content-Transfer-Encoding: 8bit");
	buf_puts(out, "Subject: ");
	if (kind == KIND_FAILURE) {
		buf_puts(out, "Returned mail: see transcript for details");
	} else if (kind == KIND_DELAY) {
		buf_puts(out, "Warning: could not send message for past ");
		put_duration(out, r->now - r->arrival);
	} else {
		buf_puts(out, "Return receipt");
	}
	/* RFC 3834 5: so that no vacation program answers it. */
	buf_printf(out, "%sAuto-Submitted: auto-generated (%s)%s%s", r->eol, autos[kind], r->eol,
		   r->eol);
	put_line(out, r, "This is a MIME-encapsulated message");
}

/* One heading and the recipients whose action lies between these two. */
static void put_section(struct buf *out, const struct dsn_report *r, const char *heading,
			enum dsn_action from, enum dsn_action to)
{
	bool any = false;

	for (size_t i = 0; i < r->nrecipients; i++) {
		const struct dsn_recipient *p = &r->recipients[i];
		if (p->action < from || p->action > to)
			continue;
		if (!any)
			buf_printf(out, "   ----- %s -----%s", heading, r->eol);
		any = true;
		buf_putc(out, '<');
		put_clean(out, p->final, DSN_ADDRESS_MAX);
		buf_puts(out, ">");
		if (p->action == DSN_RELAYED)
			buf_puts(out, "  (relayed to non-DSN-aware mailer)");
		else if (p->action >= DSN_DELIVERED)
			buf_puts(out, p->action == DSN_EXPANDED ? "  (expanded by mailing list)"
								: "  (successfully delivered)");
		buf_puts(out, r->eol);
		if (p->diagnostic.len == 0 || p->action >= DSN_DELIVERED)
			continue;
		buf_puts(out, "    (reason: ");
		put_clean(out, p->diagnostic, DSN_DIAGNOSTIC_MAX);
		put_line(out, r, ")");
	}
	if (any)
		buf_puts(out, r->eol);
}

/* The transcript: who said what, one diagnostic a recipient. */
static void put_transcript(struct buf *out, const struct dsn_report *r)
{
	struct span last = {NULL, 0};
	bool any = false;

	for (size_t i = 0; i < r->nrecipients; i++) {
		const struct dsn_recipient *p = &r->recipients[i];
		if (p->action >= DSN_DELIVERED || p->diagnostic.len == 0)
			continue;
		if (!any)
			put_line(out, r, "   ----- Transcript of session follows -----");
		any = true;
		/* Recipients of one host stand together; it is named once. */
		if (p->remote.len && !span_eq(p->remote, last)) {
			buf_puts(out, "... while talking to ");
			put_clean(out, p->remote, DSN_ADDRESS_MAX);
			put_line(out, r, ":");
		}
		last = p->remote;
		if (p->smtp)
			buf_puts(out, "<<< ");
		put_clean(out, p->diagnostic, DSN_DIAGNOSTIC_MAX);
		buf_puts(out, r->eol);
	}
}

static void put_text(struct buf *out, const struct dsn_report *r)
{
	enum dsn_kind kind = kind_of(r);

	put_part(out, r);
	buf_puts(out, r->eol);
	if (kind == KIND_DELAY) {
		put_line(out, r, "    **********************************************");
		put_line(out, r, "    **      THIS IS A WARNING MESSAGE ONLY      **");
		put_line(out, r, "    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **");
		put_line(out, r, "    **********************************************");
		buf_puts(out, r->eol);
	}
	buf_puts(out, "The original message was received at ");
	date_put(out, r->arrival, r->zone);
	buf_puts(out, r->eol);
	if (r->client.len) {
		buf_puts(out, "from ");
		put_clean(out, r->client, DSN_ADDRESS_MAX);
		buf_puts(out, r->eol);
	}
	buf_puts(out, r->eol);
	put_section(out, r, "The following addresses had permanent fatal errors", DSN_FAILED,
		    DSN_FAILED);
	put_section(out, r, "The following addresses had transient non-fatal errors", DSN_DELAYED,
		    DSN_DELAYED);
	put_section(out, r, "The following addresses had successful delivery notifications",
		    DSN_DELIVERED, DSN_EXPANDED);
	put_transcript(out, r);
	if (kind != KIND_DELAY)
		return;
	buf_puts(out, "Warning: message still undelivered after ");
	put_duration(out, r->now - r->arrival);
	buf_puts(out, r->eol);
	if (r->expires) {
		buf_puts(out, "Will keep trying until message is ");
		put_duration(out, r->expires - r->arrival);
		put_line(out, r, " old");
	}
}

/* The group of one recipient, its fields in the order of RFC 3464 section 2.3. */
static void put_recipient(struct buf *out, const struct dsn_report *r,
			  const struct dsn_recipient *p)
{
	static const struct {
		const char *name;
		struct span status;
	} actions[] = {
	    [DSN_FAILED] = {"failed", {"5.0.0", 5}},
	    [DSN_DELAYED] = {"delayed", {"4.0.0", 5}},
	    [DSN_DELIVERED] = {"delivered", {"2.0.0", 5}},
	    [DSN_RELAYED] = {"relayed", {"2.0.0", 5}},
	    [DSN_EXPANDED] = {"expanded", {"2.0.0", 5}},
	};
	/* Action and Status are mandatory and must be well-formed (RFC 3464 2.3). */
	struct span status = dsn_is_status(p->status) ? p->status : actions[p->action].status;

	/* An empty line begins each group of fields. */
	buf_puts(out, r->eol);
	put_field(out, r, "Original-Recipient", "", p->original);
	put_field(out, r, "Final-Recipient", "RFC822; ", p->final);
	put_field(out, r, "Action", "", span_str(actions[p->action].name));
	put_field(out, r, "Status", "", status);
	put_field(out, r, "Remote-MTA", "DNS; ", p->remote);
	/* SMTP only for what a server said; texts of our own are no SMTP replies. */
	put_field(out, r, "Diagnostic-Code", p->smtp ? "SMTP; " : "X-Unix; ", p->diagnostic);
	put_date_field(out, r, "Last-Attempt-Date", p->attempt);
	if (p->action == DSN_DELAYED)
		put_date_field(out, r, "Will-Retry-Until", r->expires);
}

/*
 * Three parts: for people, for programs, and the message or its header (RFC 6522 section
 * 3). The third one is written by the caller between head and tail.
 */
void dsn_put_head(struct buf *out, const struct dsn_report *r)
{
	put_top(out, r);
	put_text(out, r);
	put_part(out, r);
	put_line(out, r, "Content-Type: message/delivery-status");
	buf_puts(out, r->eol);
	put_field(out, r, "Original-Envelope-Id", "", r->envid);
	put_field(out, r, "Reporting-MTA", "dns; ", r->host);
	put_field(out, r, "Received-From-MTA", "DNS; ", r->client);
	put_date_field(out, r, "Arrival-Date", r->arrival);
	put_field(out, r, "X-Queue-Id", "", r->queue_id);
	for (size_t i = 0; i < r->nrecipients; i++)
		put_recipient(out, r, &r->recipients[i]);
	put_part(out, r);
	/* RET=HDRS, or a message too large to return: only its header goes back. */
	buf_printf(out, "Content-Type: %s%s", r->whole ? "message/rfc822" : "text/rfc822-headers",
		   r->eol);
	if (r->eightbit)
		put_line(out, r, "Content-Transfer-Encoding: 8bit");
	buf_puts(out, r->eol);
}

void dsn_put_tail(struct buf *out, const struct dsn_report *r)
{
	buf_puts(out, r->eol);
	buf_puts(out, "--");
	buf_put(out, r->boundary);
	buf_puts(out, "--");
	buf_puts(out, r->eol);
}
