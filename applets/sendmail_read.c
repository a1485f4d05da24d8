/*
 * The message that a program submits: sender, recipients, header and body from standard
 * input.  RFC 5322 for -t; sendmail's rules for everything else.
 *
 * The header is read whole before anything is stored, since -t takes the recipients from
 * it; the body is passed on piece by piece and may be of any size.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/address.h"
#include "format/date.h"
#include "format/encword.h"
#include "format/header.h"
#include "sendmail.h"
#include "service/account.h"
#include "service/queue.h"
#include "service/route.h"
#include "sys/clock.h"
#include "sys/rand.h"

enum { CHUNK = 16384 };

/* Equal recipients are one: a list that names somebody twice sends once. */
static bool add_rcpt(struct sendmail *m, struct span addr, bool direct)
{
	uint32_t key = address_key(addr);
	char *copy;

	for (size_t i = 0; i < m->count; i++)
		if (m->rcpts[i].key == key && address_eq(span_str(m->rcpts[i].addr), addr))
			return true;
	if (m->count == SENDMAIL_RCPTS_MAX)
		return false;
	if (m->count == m->room) {
		size_t more = m->room ? m->room * 2 : 8;
		struct sendmail_rcpt *grown = realloc(m->rcpts, more * sizeof *grown);

		if (!grown)
			return false;
		m->rcpts = grown;
		m->room = more;
	}
	copy = malloc(addr.len + 1);
	if (!copy || !span_to_cstr(addr, copy, addr.len + 1))
		return free(copy), false;
	m->rcpts[m->count++] = (struct sendmail_rcpt){.addr = copy, .key = key, .direct = direct};
	return true;
}

void sendmail_free(struct sendmail *m)
{
	config_free(m->config);
	buf_free(&m->text.text);
	for (size_t i = 0; i < m->count; i++)
		free(m->rcpts[i].addr);
	free(m->rcpts);
	buf_free(&m->head);
	buf_free(&m->warning);
	buf_free(&m->from_field);
	buf_free(&m->date_field);
	buf_free(&m->id_field);
	for (int i = 0; i < 2; i++)
		buf_free(&m->traffic_line[i]);
	if (m->traffic >= 0)
		close(m->traffic);
}

bool sendmail_add_rcpts(struct sendmail *m, struct span text, bool direct)
{
	struct address_list list;
	struct address_item item;
	struct buf clean;
	bool ok = true;

	buf_init(&clean, 4096);
	address_list_init(&list, text);
	while (ok && address_list_next(&list, &item)) {
		buf_reset(&clean);
		/* What is no address is kept as it is: the refusal should name it. */
		if (item.bad || address_put_clean(item.addr, &clean) != ADDRESS_OK) {
			buf_reset(&clean);
			buf_put(&clean, span_head(item.raw, 1000));
		}
		ok = buf_ok(&clean) && add_rcpt(m, buf_span(&clean), direct);
	}
	buf_free(&clean);
	return ok;
}

/* The caller's name: the passwd entry of the real uid, else LOGNAME or USER, else "uidN". */
static void caller_name(char *name, size_t cap, char *full, size_t full_cap)
{
	struct passwd *pw = getpwuid(getuid());
	const char *env = getenv("LOGNAME");
	struct buf b;

	full[0] = '\0';
	if (!env || !*env)
		env = getenv("USER");
	if (pw) {
		snprintf(name, cap, "%s", pw->pw_name);
		buf_init_fixed(&b, full, full_cap - 1);
		account_put_full_name(pw, &b);
		full[buf_ok(&b) ? b.len : 0] = '\0';
	} else if (env && address_is_safe(span_str(env))) {
		/*
		 * The environment is the caller's word: used for the name alone, and only
		 * if it is harmless.
		 */
		snprintf(name, cap, "%s", env);
	} else {
		snprintf(name, cap, "uid%u", (unsigned)getuid());
	}
}

/* authwarnings: who chose a sender that is not theirs, unless they are known to be right. */
static void put_warning(struct sendmail *m, const char *name)
{
	struct stat st;
	uid_t own = stat(m->settings.queue, &st) == 0 ? st.st_uid : 0;
	struct span sender = span_str(m->sender);

	if (!m->from || !(m->settings.privacy & PRIVACY_AUTHWARNINGS) ||
	    route_is_trusted(m->config, &m->settings, getuid(), own, name) ||
	    span_eq(span_cut(&sender, '@'), span_str(name)))
		return;
	buf_printf(&m->warning, "X-Authentication-Warning: %s: %s set sender to %s using -%c\n",
		   m->settings.hostname, name, m->sender[0] ? m->sender : "<>", m->from_letter);
}

/* -F, else NAME, else the passwd entry, which says nothing about a sender given by -f. */
static void put_from(struct sendmail *m, const char *full)
{
	struct buf value;
	const char *name = m->full_name;

	if (!name)
		name = getenv("NAME");
	if (!name || !*name)
		name = m->from ? "" : full;
	buf_init(&value, 4096);
	if (*name) {
		bool ascii = true;

		for (const char *c = name; *c; c++)
			ascii = ascii && ascii_is_print(*c);
		if (ascii)
			address_put_phrase(span_str(name), &value);
		else
			encword_put_phrase(span_str(name), &value);
		buf_puts(&value, " <");
	}
	buf_puts(&value, m->sender[0] ? m->sender : "MAILER-DAEMON");
	if (*name)
		buf_putc(&value, '>');
	header_put_field(&m->from_field, SPAN("From"), buf_span(&value), "\n");
	buf_free(&value);
}

void sendmail_find_sender(struct sendmail *m)
{
	char name[256], full[128], id[QUEUE_ID_MAX];
	int64_t now = clock_wall().s;
	struct span from = span_str(m->from);
	struct address_path p;

	caller_name(name, sizeof name, full, sizeof full);
	if (!m->from)
		from = span_str(name);
	/* The null path comes as "<>" and stays empty. */
	if (from.len >= 2 && from.ptr[0] == '<' && from.ptr[from.len - 1] == '>')
		from = span_make(from.ptr + 1, from.len - 2);
	m->sender[0] = '\0';
	/* What is no address is not passed on: the sender is the caller then. */
	if (from.len && address_parse(from, &p) == ADDRESS_OK)
		snprintf(m->sender, sizeof m->sender, "%.*s%s%.*s", SPAN_ARG(p.mailbox),
			 p.domain.len ? "" : "@",
			 p.domain.len ? 0 : (int)settings_sender_domain(&m->settings).len,
			 settings_sender_domain(&m->settings).ptr);
	else if (from.len)
		snprintf(m->sender, sizeof m->sender, "%.200s@%.255s", name,
			 settings_sender_domain(&m->settings).ptr);
	buf_init(&m->warning, 4096);
	put_warning(m, name);
	buf_init(&m->from_field, 8192);
	buf_init(&m->date_field, 256);
	buf_init(&m->id_field, 1024);
	/* Made in any case; the filter takes what the message lacks. */
	put_from(m, full);
	buf_puts(&m->date_field, "Date: ");
	date_put(&m->date_field, now, clock_zone(now));
	buf_putc(&m->date_field, '\n');
	queue_make_id(id, now, rand_u64());
	buf_printf(&m->id_field, "Message-ID: <%lld.%s@%s>\n", (long long)now, id,
		   m->settings.hostname);
}

/*
 * Without -i a line that is a lone dot ends the message.  Appends what of in belongs to
 * it; held counts octets of ".", ".\r" at the start of a line that may be one.
 */
static void put_until_dot(struct sendmail *m, struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.len && !m->input_done; i++) {
		char c = in.ptr[i];

		if (m->at_line && m->held == 0 && c == '.') {
			m->held = 1;
			continue;
		}
		if (m->held == 1 && c == '\r') {
			m->held = 2;
			continue;
		}
		if (m->held && c == '\n') {
			m->input_done = true;
			break;
		}
		if (m->held)
			buf_put(out, span_make(".\r", m->held));
		m->held = 0;
		buf_putc(out, c);
		m->at_line = c == '\n';
	}
}

/* One read from standard input, appended to out. */
static bool read_some(struct sendmail *m, struct buf *out, struct err *e)
{
	char *chunk = malloc(CHUNK);
	ssize_t n;

	if (!chunk)
		return err_temp(e, "4.3.0", "out of memory");
	do
		n = read(STDIN_FILENO, chunk, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		err_errno(e, errno, "standard input");
	else if (n == 0)
		m->input_done = true;
	if (n > 0)
		sendmail_traffic(m, SENDMAIL_IN, span_make(chunk, (size_t)n));
	else
		sendmail_traffic_end(m, SENDMAIL_IN);
	if (n > 0 && m->settings.ignore_dots)
		buf_put(out, span_make(chunk, (size_t)n));
	else if (n > 0)
		put_until_dot(m, span_make(chunk, (size_t)n), out);
	/* A lone dot as the last octet ends the message as well: it is no text. */
	if (m->input_done && m->held)
		m->held = 0;
	free(chunk);
	return n >= 0;
}

/* Octets of header in what was read; *complete: its end is there, too. */
static size_t header_size(struct span head, bool *complete)
{
	size_t all = head.len;

	*complete = true;
	while (head.len) {
		size_t eol = span_index(head, '\n');
		struct span line = span_head(head, eol);

		if (eol == head.len)
			break;
		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		/* The empty line, or a line that is no field: the body begins there. */
		if (line.len == 0)
			return all - head.len;
		if (!ascii_is_blank(line.ptr[0]) && header_name_length(line) == 0 &&
		    !span_starts(line, SPAN("From ")))
			return all - head.len;
		head = span_skip(head, eol + 1);
	}
	*complete = false;
	return all;
}

static bool add_from_header(struct sendmail *m)
{
	static const char *const plain[] = {"To", "Cc", "Bcc"};
	static const char *const resent[] = {"Resent-To", "Resent-Cc", "Resent-Bcc"};
	struct span block = buf_span(&m->head);
	struct header_field f;
	bool again = false, ok = true;

	/* RFC 5322 3.6.6: a resent message goes to whom it was resent. */
	while (header_next(&block, &f))
		for (int i = 0; i < 3; i++)
			again |= ascii_eq_nocase(f.name, span_str(resent[i]));
	block = buf_span(&m->head);
	while (header_next(&block, &f))
		for (int i = 0; i < 3; i++)
			if (ascii_eq_nocase(f.name, span_str(again ? resent[i] : plain[i])))
				ok = ok && sendmail_add_rcpts(m, f.value, false);
	return ok;
}

bool sendmail_read_head(struct sendmail *m, struct err *e)
{
	struct submit_fields fields = {.from = buf_span(&m->from_field),
				       .date = buf_span(&m->date_field),
				       .message_id = buf_span(&m->id_field),
				       .to = SPAN("To: undisclosed-recipients:;\n")};
	bool complete = false;
	unsigned flags = SUBMIT_FIX;

	buf_init(&m->head, SENDMAIL_HEADER_MAX + CHUNK + 2);
	m->at_line = true;
	/* One loop for both: what was read beyond the header is body and waits in head. */
	while (!m->input_done && !complete) {
		if (!read_some(m, &m->head, e))
			return false;
		if (header_size(buf_span(&m->head), &complete) > SENDMAIL_HEADER_MAX)
			return err_perm(e, "5.6.0", "message header larger than %d octets",
					SENDMAIL_HEADER_MAX);
	}
	if (m->from_header && !add_from_header(m))
		return err_perm(e, "5.5.3", "too many recipients");
	/* A gateway passes on what others wrote: nothing is added, and blind copies are theirs. */
	if (m->gateway) {
		fields.from = fields.date = fields.message_id = fields.to = SPAN("");
		flags |= m->from_header ? 0 : SUBMIT_KEEP_BCC;
	}
	submit_init(&m->filter, flags, &fields);
	return true;
}

bool sendmail_read_text(struct sendmail *m, struct buf *out, bool *done, struct err *e)
{
	struct buf raw;
	bool ok = true;

	*done = false;
	/*
	 * In three steps: the header that is there, then the rest as it comes, then what
	 * the filter still holds.
	 */
	if (!m->head_given) {
		buf_put(out, buf_span(&m->warning));
		submit_feed(&m->filter, buf_span(&m->head), out);
		m->head_given = true;
	} else if (!m->input_done) {
		buf_init(&raw, 2 * CHUNK);
		ok = read_some(m, &raw, e);
		submit_feed(&m->filter, buf_span(&raw), out);
		buf_free(&raw);
	} else {
		submit_finish(&m->filter, out);
		*done = true;
	}
	if (ok && !buf_ok(out))
		ok = err_temp(e, "4.3.0", "out of memory");
	return ok;
}
