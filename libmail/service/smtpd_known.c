/*
 * Answers of the queue role that are still fresh; see service/smtpd.h.
 *
 * Bursts of mail ask the same question again and again: same client, same sender, same
 * recipient.  Then whatever the answer depends on besides the question (accounts, maps) may
 * be SMTPD_KNOWN_MS old; mail that comes now and then is always asked about.  Only "yes" is
 * kept, which strangers cannot fill the table with.
 */
#include <stdlib.h>
#include <string.h>

#include "service/smtpd.h"

struct smtpd_known {
	uint64_t until_ms;
	unsigned times;          /* answered alike in short order */
	size_t question, answer; /* octets of each, one behind the other */
	char octets[];
};

/* Where a message has the session's id; how often, within what time, is a burst. */
enum { ID_AT = 2, ID_OCTETS = 4, BURST = 4, BURST_MS = 1000 };

static struct span question_of(const struct smtpd_known *k)
{
	return span_make(k->octets, k->question);
}

static struct smtpd_known **place(struct smtpd *d, struct span question)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < question.len; i++)
		h = (h ^ (unsigned char)question.ptr[i]) * 16777619u;
	return &d->known[h % SMTPD_KNOWN];
}

bool smtpd_known_verdict(struct smtpd_session *s, const struct buf *question, struct mta_verdict *v)
{
	struct smtpd *d = s->d;
	struct smtpd_known *k = malloc(sizeof *k + question->len), *have;
	struct wire_in in = {.type = MTA_VERDICT, .id = s->id};

	free(s->known);
	s->known = k;
	/* Slower without memory, and no worse. */
	if (!k)
		return false;
	*k = (struct smtpd_known){.question = question->len};
	memcpy(k->octets, question->ptr, question->len);
	memset(k->octets + ID_AT, 0, ID_OCTETS);
	have = *place(d, question_of(k));
	if (!have || have->times < BURST || have->until_ms <= d->loop.now_ms ||
	    !span_eq(question_of(have), question_of(k)))
		return false;
	in.rest = span_make(have->octets + have->question, have->answer);
	return mta_ipc_get_verdict(&in, v);
}

void smtpd_known_learn(struct smtpd_session *s, struct span answer, const struct mta_verdict *v)
{
	struct smtpd *d = s->d;
	struct smtpd_known *k = s->known, **at;

	s->known = NULL;
	if (k && v->err.class == ERR_NONE) {
		struct smtpd_known *grown = realloc(k, sizeof *k + k->question + answer.len);

		if (grown) {
			k = grown;
			memcpy(k->octets + k->question, answer.ptr, answer.len);
			k->answer = answer.len;
			k->until_ms = d->loop.now_ms + SMTPD_KNOWN_MS;
			at = place(d, question_of(k));
			if (*at && span_eq(question_of(*at), question_of(k)) &&
			    (*at)->until_ms + BURST_MS > d->loop.now_ms)
				k->times = (*at)->times + 1;
			free(*at);
			*at = k;
			return;
		}
	}
	free(k);
}

void smtpd_known_forget(struct smtpd *d)
{
	for (size_t i = 0; i < SMTPD_KNOWN; i++) {
		free(d->known[i]);
		d->known[i] = NULL;
	}
}
