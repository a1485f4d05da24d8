/*
 * Appending a letter of our own to a folder: record, dead.letter.
 */
#include <errno.h>

#include "mail.h"
#include "service/mailbox.h"

struct file_source {
	struct mailbox_source source; /* first, so that next can find the rest */
	FILE *file;
};

static bool next_octets(struct mailbox_source *s, char *mem, size_t cap, size_t *got, struct err *e)
{
	FILE *f = ((struct file_source *)s)->file;

	*got = fread(mem, 1, cap, f);
	return !ferror(f) || err_errno(e, errno, "temporary file");
}

bool mail_append(const char *path, FILE *msg, const char *sender, int64_t date, struct err *e)
{
	struct file_source s = {
	    .source = {.next = next_octets, .sender = sender, .date = date, .flags = MAILBOX_SEEN},
	    .file = msg,
	};

	rewind(msg);
	return mailbox_append(path, &s.source, e);
}
