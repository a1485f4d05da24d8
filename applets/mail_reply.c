/*
 * mail, reply, Reply: letters written while reading.  POSIX mailx; the fields of an answer
 * are those of RFC 5322 3.6.4.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/address.h"
#include "format/header.h"
#include "mail_folder.h"

/* References may grow with the thread; the oldest go (RFC 5322 2.1.1 bounds a line). */
enum { REFERENCES_MAX = 900 };

static struct span field(struct span header, const char *name)
{
	struct header_field f;

	return header_find(header, span_str(name), &f) ? f.value : (struct span){0};
}

/* Is this one of our own addresses: our name, bare or at this host, or an alternate? */
static bool is_own(const struct mail *m, struct span addr)
{
	struct span local, domain, name = span_str(mail_user_name());
	char host[256] = "";

	for (const struct mail_pair *p = m->alternates; p; p = p->next)
		if (ascii_eq_nocase(span_str(p->name), addr))
			return true;
	address_split(addr, &local, &domain);
	gethostname(host, sizeof host - 1);
	return ascii_eq_nocase(local, name) &&
	       (!domain.len || ascii_eq_nocase(domain, span_str(host)));
}

/* Adds the addresses of a field but for our own. */
static void add_others(const struct mail *m, struct buf *list, struct span value)
{
	struct address_list l;
	struct address_item item;
	struct buf addr;

	buf_init(&addr, 1024);
	address_list_init(&l, value);
	while (address_list_next(&l, &item)) {
		buf_reset(&addr);
		if (address_put_clean(item.addr, &addr) == ADDRESS_OK &&
		    (mail_value(m, "metoo") || !is_own(m, buf_span(&addr))))
			mail_letter_list(list, buf_span(&addr));
	}
	buf_free(&addr);
}

/* RFC 5322 section 3.6.2: Reply-To, where there is one, says where answers should go. */
static void add_sender(struct buf *list, struct span header)
{
	struct span to = field(header, "reply-to");

	mail_letter_list(list, to.len ? to : field(header, "from"));
}

/* One "Re: " however long the thread gets (RFC 5322 section 3.6.5). */
static void set_subject(struct mail_letter *l, struct span header)
{
	struct buf text;

	buf_init(&text, MAIL_HEADER_MAX);
	mail_show_text(field(header, "subject"), &text);
	if (!ascii_starts_nocase(buf_span(&text), SPAN("re:")))
		buf_puts(&l->subject, "Re: ");
	buf_put(&l->subject, buf_span(&text));
	l->subject_given = true;
	buf_free(&text);
}

/*
 * A message without an id cannot be referred to: no field then, rather than a wrong one. After a
 * cut the list starts at the next whole id.
 */
static void set_thread(struct mail_letter *l, struct span header)
{
	struct span id = field(header, "message-id"), refs = field(header, "references");
	struct buf line;

	if (!id.len)
		return;
	if (!refs.len)
		refs = field(header, "in-reply-to");
	if (refs.len > REFERENCES_MAX)
		refs = span_skip(refs, refs.len - REFERENCES_MAX);
	if (refs.len)
		refs = span_skip(refs, span_index(refs, '<'));
	buf_init(&line, MAIL_HEADER_MAX);
	buf_puts(&line, "In-Reply-To: ");
	buf_put(&line, id);
	mail_letter_header(l, buf_cstr(&line));
	buf_reset(&line);
	buf_puts(&line, "References: ");
	buf_put(&line, refs);
	buf_puts(&line, refs.len ? " " : "");
	buf_put(&line, id);
	mail_letter_header(l, buf_cstr(&line));
	buf_free(&line);
}

/* The letter is freed on every way; a letter broken off has gone to dead.letter before. */
static bool finish(struct mail *m, struct mail_letter *l)
{
	bool ok = mail_compose(m, l) && mail_send(m, l) == 0;

	mail_letter_free(l);
	return ok;
}

bool mail_reply_mail(struct mail *m, struct mail_args *a)
{
	struct mail_letter l;

	mail_letter_init(&l);
	mail_letter_list(&l.to, span_str(a->rest));
	return finish(m, &l);
}

/*
 * Several messages make one letter to all their senders; subject and thread are the first one's.
 */
static bool reply(struct mail *m, bool all)
{
	struct mail_folder *f = m->folder;
	size_t first = mail_list_next(f, 0);
	struct mail_letter l;
	struct buf header;

	buf_init(&header, MAIL_HEADER_MAX);
	mail_letter_init(&l);
	for (size_t i = first; i < f->count; i = mail_list_next(f, i + 1)) {
		struct span block;

		buf_reset(&header);
		if (!mail_folder_header(m, i, &header))
			break;
		block = buf_span(&header);
		add_sender(&l.to, block);
		if (all) {
			add_others(m, &l.to, field(block, "to"));
			add_others(m, &l.cc, field(block, "cc"));
		}
		if (i == first) {
			set_subject(&l, block);
			set_thread(&l, block);
		}
		f->msg[i].flags |= MSG_TOUCHED | MSG_READ | MSG_ANSWERED;
		f->dot = i;
	}
	buf_free(&header);
	if (m->interactive) {
		printf("To: %s\nSubject: %s\n", buf_cstr(&l.to), buf_cstr(&l.subject));
		if (l.cc.len)
			printf("Cc: %s\n", buf_cstr(&l.cc));
		putchar('\n');
	}
	return finish(m, &l);
}

/* flipr swaps reply and Reply, for those used to other mailers; followup always goes to all. */
bool mail_reply_all(struct mail *m, struct mail_args *a)
{
	return reply(m, (a->name[0] == 'f' || !mail_value(m, "flipr")));
}

bool mail_reply_sender(struct mail *m, struct mail_args *a)
{
	(void)a;
	return reply(m, mail_value(m, "flipr") != NULL);
}
