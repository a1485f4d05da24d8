/*
 * maildir: the names of files in a Maildir; nothing here touches a directory.
 *
 * A name is UNIQUE[,S=size][,W=size]:2,FLAGS as qmail's maildir(5) says, with the sizes that
 * Courier and Dovecot put there: S is the file's octets, W the octets with CRLF line ends.
 * UNIQUE is SECONDS.MusecPpidQcounterRrandom.HOST and never comes twice, also on NFS.
 */
#ifndef LETTERBOX_FORMAT_MAILDIR_H
#define LETTERBOX_FORMAT_MAILDIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	MAILDIR_NAME_MAX = 255, /* NAME_MAX of every file system that matters */
	MAILDIR_HOST_MAX = 64,  /* of the host's name in ours; it must leave room for flags */
};

struct maildir_seed {
	int64_t seconds; /* time of delivery */
	uint32_t usec;
	uint32_t pid;
	uint64_t counter; /* deliveries of this process so far */
	uint64_t random;
	struct span host; /* cut at MAILDIR_HOST_MAX */
};

/*
 * Appends a unique name; "/" and ":" in the host become \057 and \072, controls, blanks and
 * 8-bit octets become '_', and so does a comma, which would begin a size.
 */
void maildir_put_unique(struct buf *out, const struct maildir_seed *seed);

/* Appends ",S=size,W=crlf_size": before the name's info, that is right behind UNIQUE. */
void maildir_put_sizes(struct buf *out, uint64_t size, uint64_t crlf_size);

struct maildir_name {
	struct span unique; /* before the first ',' or ':'; identifies the message for ever */
	struct span base;   /* before the ':', with the sizes */
	struct span flags;  /* behind ":2,"; may hold flags nobody knows */
	uint64_t size;      /* S=, when has_size */
	uint64_t crlf_size; /* W=, when has_crlf_size */
	int64_t seconds;    /* leading number, 0 when there is none */
	uint32_t usec;      /* the number behind ".M", 0 when there is none */
	bool has_size, has_crlf_size;
};

/*
 * Splits a file's name; out points into it.  False for what is no message: names that are empty,
 * too long, begin with a dot, or hold '/', a control or NUL.
 */
bool maildir_parse(struct span name, struct maildir_name *out);

/* Has the name this flag ('S' seen, 'R', 'F', 'T', 'D', 'P' or a keyword letter)? */
bool maildir_has_flag(const struct maildir_name *name, char flag);

/*
 * Appends base + ":2," + flags, with those of add added and those of remove removed; flags are
 * letters, sorted, each once.  The result may equal the name: then nothing is to be renamed.
 */
void maildir_put_flags(struct buf *out, const struct maildir_name *name, const char *add,
		       const char *remove);

/*
 * Order of delivery: by seconds, microseconds, then octets of the unique part.  <0, 0 or >0.
 * Equal only for the same unique part.
 */
int maildir_compare(const struct maildir_name *a, const struct maildir_name *b);

#endif
