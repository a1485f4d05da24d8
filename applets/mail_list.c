/*
 * Message lists: "3", "2-5", "*", "^", "$", ".", "+", "-", a sender, "/subject", ":n".
 * POSIX mailx, "Message lists".
 *
 * Numbers add up; senders, subjects and states then narrow what numbers (or, without any,
 * all messages) gave.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "mail_folder.h"

static bool bad(const char *word, const char *why)
{
	fprintf(stderr, "%s: %s\n", word, why);
	return false;
}

/* Undelete works on deleted messages, every other command on the others. */
static bool is_wanted(const struct mail_folder *f, size_t i, bool dead)
{
	return !(f->msg[i].flags & MSG_DELETED) == !dead;
}

/* The message an element stands for, from its front: a number or one of ^ $ . + - */
static bool number(const struct mail_folder *f, struct span *word, bool dead, size_t *out)
{
	size_t digits = 0;
	uint64_t n;
	char c = word->len ? word->ptr[0] : '\0';

	while (digits < word->len && ascii_is_digit(word->ptr[digits]))
		digits++;
	if (digits) {
		if (!num_parse(span_head(*word, digits), f->count, &n) || n == 0)
			return false;
		*out = (size_t)n - 1;
		*word = span_skip(*word, digits);
		return true;
	}
	/* The front is taken even if it fails: the message is then about the whole word. */
	*word = span_skip(*word, 1);
	if (c == '.') {
		*out = f->dot;
	} else if (c == '^') {
		for (*out = 0; *out < f->count && !is_wanted(f, *out, dead);)
			++*out;
	} else if (c == '$') {
		for (*out = f->count; *out > 0 && !is_wanted(f, --*out, dead);)
			;
	} else if (c == '+') {
		for (*out = f->dot + 1; *out < f->count && !is_wanted(f, *out, dead);)
			++*out;
	} else if (c == '-') {
		*out = f->dot;
		do {
			if (*out == 0)
				return false;
			--*out;
		} while (!is_wanted(f, *out, dead));
	} else {
		return false;
	}
	return *out < f->count;
}

/* Case does not count, and a part is enough: "from bob" finds Bob Smith. */
static bool contains(const char *text, const char *part)
{
	struct span rest = span_str(text), want = span_str(part);

	for (; rest.len >= want.len; rest = span_skip(rest, 1))
		if (ascii_starts_nocase(rest, want))
			return true;
	return false;
}

/* The states of POSIX, each the opposite of another but for "d". */
static bool in_state(unsigned flags, char state)
{
	switch (state) {
	case 'n':
		return flags & MSG_NEW;
	case 'o':
		return !(flags & MSG_NEW);
	case 'r':
		return flags & MSG_READ;
	case 'u':
		return !(flags & MSG_READ);
	case 'd':
		return flags & MSG_DELETED;
	}
	return false;
}

enum kind { NUMBERS, SENDER, SUBJECT, STATE };

static enum kind kind_of(const char *word)
{
	if (word[0] == '/')
		return SUBJECT;
	if (word[0] == ':')
		return STATE;
	/* A word that begins like a number is one; senders cannot begin so. */
	return ascii_is_digit(word[0]) || strchr(".^$*+-", word[0]) ? NUMBERS : SENDER;
}

static bool mark_numbers(struct mail_folder *f, const char *word, bool dead)
{
	struct span s = span_str(word);
	size_t from, to;

	/* All of them, none being no error here: it shows when nothing fits. */
	if (strcmp(word, "*") == 0) {
		for (size_t i = 0; i < f->count; i++)
			if (is_wanted(f, i, dead))
				f->msg[i].flags |= MSG_MARK;
		return true;
	}
	if (!number(f, &s, dead, &from))
		return bad(word, "No applicable message");
	to = from;
	if (s.len) {
		if (s.ptr[0] != '-')
			return bad(word, "Bad message list");
		s = span_skip(s, 1);
		if (!number(f, &s, dead, &to) || s.len || to < from)
			return bad(word, "Bad message range");
	} else if (!is_wanted(f, from, dead)) {
		/* A single number must fit the command; a range passes over what does not. */
		return bad(word, "Inappropriate message");
	}
	for (size_t i = from; i <= to; i++)
		if (is_wanted(f, i, dead))
			f->msg[i].flags |= MSG_MARK;
	return true;
}

/*
 * Does message i fit the words of this kind (any of them)? Words of one kind widen, kinds
 * narrow each other.
 */
static bool fits(struct mail *m, size_t i, enum kind kind, int words, const char *const *word)
{
	bool asked = false;

	for (int w = 0; w < words; w++) {
		if (kind_of(word[w]) != kind)
			continue;
		asked = true;
		if (kind == STATE    ? in_state(m->folder->msg[i].flags, word[w][1])
		    : kind == SENDER ? contains(mail_folder_known(m, i)->sender, word[w])
				     : contains(mail_folder_known(m, i)->subject, word[w] + 1))
			return true;
	}
	return !asked;
}

/* Numbers first; returns false on a bad one.  *any: there were some. */
static bool mark_words(struct mail *m, int words, const char *const *word, bool *dead, bool *any)
{
	/* ":d" makes the whole list one of deleted messages, so it is looked for first. */
	for (int w = 0; w < words; w++) {
		if (kind_of(word[w]) == STATE) {
			if (!word[w][1] || word[w][2] || !strchr("nordu", word[w][1]))
				return bad(word[w], "Unknown colon modifier");
			*dead = *dead || word[w][1] == 'd';
		}
	}
	for (int w = 0; w < words; w++) {
		if (kind_of(word[w]) != NUMBERS)
			continue;
		if (!mark_numbers(m->folder, word[w], *dead))
			return false;
		*any = true;
	}
	return true;
}

bool mail_list_mark(struct mail *m, int words, const char *const *word, bool dead)
{
	struct mail_folder *f = m->folder;
	bool numbers = false, found = false;

	for (size_t i = 0; i < f->count; i++)
		f->msg[i].flags &= ~(unsigned)MSG_MARK;
	if (words == 0) {
		size_t at = f->dot;

		/* The current message; when it does not apply, the nearest before or behind. */
		while (at < f->count && !is_wanted(f, at, dead))
			at++;
		for (size_t i = f->dot; at >= f->count && i-- > 0;)
			if (is_wanted(f, i, dead))
				at = i;
		if (at >= f->count)
			return bad("mail", "No applicable messages");
		f->msg[at].flags |= MSG_MARK;
		return true;
	}
	if (!mark_words(m, words, word, &dead, &numbers))
		return false;
	for (size_t i = 0; i < f->count; i++) {
		struct mail_message *msg = &f->msg[i];
		bool in = numbers ? (msg->flags & MSG_MARK) != 0 : is_wanted(f, i, dead);

		msg->flags &= ~(unsigned)MSG_MARK;
		if (in && fits(m, i, STATE, words, word) && fits(m, i, SENDER, words, word) &&
		    fits(m, i, SUBJECT, words, word)) {
			msg->flags |= MSG_MARK;
			found = true;
		}
	}
	return found || bad("mail", "No applicable messages");
}

size_t mail_list_next(const struct mail_folder *f, size_t i)
{
	while (i < f->count && !(f->msg[i].flags & MSG_MARK))
		i++;
	return i;
}
