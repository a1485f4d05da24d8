/*
 * cdb: constant data bases in D. J. Bernstein's format, as tinycdb and postfix read them.
 *
 * 256 pairs of numbers (place and length of a hash table), the records, the tables; numbers are
 * little-endian and 32 bits wide, so a file has at most 4 GiB.  Reading trusts nothing: every
 * place in the file is checked.
 */
#ifndef LETTERBOX_FORMAT_CDB_H
#define LETTERBOX_FORMAT_CDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/* The value of the first record with this key, octet for octet; part of file. */
bool cdb_find(struct span file, struct span key, struct span *value);

struct cdb_slot {
	uint32_t hash, pos;
};

/* Writing: the whole file is made in memory. */
struct cdb_writer {
	struct buf *out;       /* the caller's, empty, its maximum bounds the file */
	struct cdb_slot *slot; /* owned: of the records so far */
	uint32_t count, room;
};

void cdb_writer_init(struct cdb_writer *w, struct buf *out);

/* Adds a record; keys should differ.  Lack of memory shows at the end. */
void cdb_add(struct cdb_writer *w, struct span key, struct span value);

/* Writes the tables and gives memory back; false: the file did not fit, or no memory. */
bool cdb_end(struct cdb_writer *w);

#endif
