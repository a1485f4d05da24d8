/*
 * table: a map's file in memory, found by key in constant time.
 *
 * Four forms: columns of a text file (sendmail's text maps), the source of
 * makemap ("key value" lines), an alias file, and a constant data base in tinycdb's
 * format.  The first line with a key wins, in an alias file the last.  Memory is the file
 * and some 20 octets a line;
 * a file that changed (time, size or inode) is read again at the next look.
 */
#ifndef LETTERBOX_SERVICE_TABLE_H
#define LETTERBOX_SERVICE_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum table_form { TABLE_COLUMNS, TABLE_PAIRS, TABLE_ALIASES, TABLE_CDB };

enum { TABLE_NO_VALUE = UINT32_MAX }; /* the length that marks a line without that column */

struct table_entry {
	uint32_t key, key_len, value, value_len; /* places in the file */
};

struct table {
	char path[256];
	enum table_form form;
	bool exact_case;
	int key_column, value_column; /* TABLE_COLUMNS, from 0 */
	char delim;                   /* between columns; 0: white space */
	struct buf data;
	struct table_entry *entry;
	uint32_t *slot; /* number of an entry and 1, or 0 */
	uint32_t entries, slots;
	dev_t dev;
	ino_t ino;
	off_t size;
	int64_t mtime_ns;
};

/* Reads the file that path, form and the other settings name.  Not found is PERM with ENOENT. */
bool table_load(struct table *t, struct err *e);

/* Reads it again when it changed; what cannot be read leaves the old contents. */
void table_refresh(struct table *t);

/*
 * The value of a key, borrowed until the next load.  A line that has no value
 * column is found with *value of a NULL ptr.
 */
bool table_find(const struct table *t, struct span key, struct span *value);

void table_free(struct table *t);

#endif
