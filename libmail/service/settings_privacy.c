/*
 * PrivacyOptions; see service/settings.h.  The words are those of sendmail 8.17.
 */
#include <string.h>

#include "base/ascii.h"
#include "service/settings_part.h"

/* goaway is last, so that writing the words back names each by its own. */
static const struct {
	const char *word;
	uint32_t bits;
} words[] = {
    {"needmailhelo", PRIVACY_NEEDMAILHELO},
    {"needexpnhelo", PRIVACY_NEEDEXPNHELO},
    {"needvrfyhelo", PRIVACY_NEEDVRFYHELO},
    {"noexpn", PRIVACY_NOEXPN},
    {"novrfy", PRIVACY_NOVRFY},
    {"authwarnings", PRIVACY_AUTHWARNINGS},
    {"noverb", PRIVACY_NOVERB},
    {"restrictmailq", PRIVACY_RESTRICTMAILQ},
    {"restrictqrun", PRIVACY_RESTRICTQRUN},
    {"restrictexpand", PRIVACY_RESTRICTEXPAND},
    {"noetrn", PRIVACY_NOETRN},
    {"nobodyreturn", PRIVACY_NOBODYRETURN},
    {"noreceipts", PRIVACY_NORECEIPTS},
    {"noactualrecipient", PRIVACY_NOACTUALRECIPIENT},
    {"public", 0},
    {"goaway", PRIVACY_GOAWAY},
};

bool settings_add_privacy(uint32_t *privacy, struct span list, struct err *e)
{
	while (list.len) {
		size_t end = 0, i = 0;
		struct span word;

		while (end < list.len && list.ptr[end] != ',' && !ascii_is_blank(list.ptr[end]))
			end++;
		word = span_head(list, end);
		list = span_skip(list, end + 1);
		while (i < sizeof words / sizeof words[0] &&
		       !ascii_eq_nocase(word, span_str(words[i].word)))
			i++;
		if (word.len && i == sizeof words / sizeof words[0])
			return err_perm(e, "5.3.5", "readcf: Op line: %.*s unrecognized",
					(int)(word.len < 60 ? word.len : 60), word.ptr);
		if (word.len)
			*privacy |= words[i].bits;
	}
	return true;
}

void settings_put_privacy(uint32_t privacy, struct buf *out)
{
	for (size_t i = 0; words[i].bits; i++)
		if (privacy & words[i].bits) {
			buf_puts(out, out->len ? "," : "");
			buf_puts(out, words[i].word);
		}
}
