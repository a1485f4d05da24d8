/*
 * alias: what the option AliasFile names: one or several alias files.
 *
 * "hash:/path", "btree:", "dbm:", "implicit:", "text:" and "stab:" (or no class) read the text of
 * the file, or FILE.cdb where it is there; "cdb:" the data base alone.  Files are read
 * at the first look, looked up in constant time, and read again when they changed.  The
 * first file that has the name decides.
 */
#ifndef LETTERBOX_SERVICE_ALIAS_H
#define LETTERBOX_SERVICE_ALIAS_H

#include "base/buf.h"
#include "base/err.h"
#include "format/aliases.h"
#include "service/table.h"

enum { ALIAS_FILES = 12 /* MAXMAPSTACK of sendmail */ };

struct alias_file {
	struct table table;
	char path[256];     /* of the text */
	bool cdb, none;     /* class cdb; null */
	bool plain;         /* class text or stab: newaliases leaves it alone */
	bool optional;      /* -o: a missing file has no aliases */
	bool open, missing; /* read; tried, and not there */
};

struct alias {
	struct alias_file *file[ALIAS_FILES]; /* owned */
	int files;
};

void alias_init(struct alias *a);
void alias_free(struct alias *a);

/*
 * Adds what one value of AliasFile lists.  PERM 5.3.5 with sendmail's text for an unknown class,
 * a missing name or too many files; those before it are added.
 */
bool alias_add(struct alias *a, struct span spec, struct err *e);

/* Reads all files now: for a role that cannot do it later.  What is missing shows at alias_find. */
void alias_open(struct alias *a);

/*
 * Appends the right side for name, which is a user name as ruleset 0 gives it, to right
 * (aliases_next takes it apart).  Returns a sysexits status: 0 found, EXIT_NOUSER not there,
 * EXIT_TEMPFAIL when a file that is not optional cannot be read.
 */
int alias_find(struct alias *a, struct span name, struct buf *right);

/*
 * The same for a local user with what stands behind it ("+detail", or anything else, which is
 * passed over): "user+detail", "user+*", "user".
 */
int alias_find_user(struct alias *a, struct span user, struct span detail, struct buf *right);

/* Is that an alias of these files (alias_add), or can that not be told now? */
bool alias_knows(const char *files, const char *user, const char *detail);

/* Reads all files and tells whether one has an :include: (of a file anywhere). */
bool alias_includes(struct alias *a);

/* ---- alias_build.c: newaliases ---- */

struct alias_build {
	void *ctx;
	/* One line of output; line is that of the file being read, or 0. */
	void (*say)(void *ctx, const char *path, uint32_t line, const char *text);
	/*
	 * Appends the name that an entry has in look-ups; false, after its own say, when it
	 * can be no alias.
	 */
	bool (*name)(void *ctx, const char *path, uint32_t line, const struct aliases_entry *en,
		     struct buf *out);
	const char *program; /* "newaliases" */
	unsigned mistakes;   /* out: those that make the exit status 70 */
};

/*
 * Checks every file as sendmail -bi does and tells about it; makes FILE.cdb (mode 0640) for
 * class cdb and wherever there is one.
 */
void alias_rebuild(struct alias *a, struct alias_build *b);

#endif
