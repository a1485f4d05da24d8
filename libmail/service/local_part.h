/*
 * local_part: what the files of the local delivery module share; see local.h.
 */
#ifndef LETTERBOX_SERVICE_LOCAL_PART_H
#define LETTERBOX_SERVICE_LOCAL_PART_H

#include <sys/types.h>

#include "base/buf.h"
#include "service/local.h"

enum { LOCAL_CHUNK = 32768 }; /* read and written at a time */

/*
 * The message's octets from the at-th on: borrowed from the job, or read into chunk, which has
 * LOCAL_CHUNK.  Returns how many, 0 at the end, -1 with errno.
 */
ssize_t local_read(const struct local_job *job, char *chunk, uint64_t at, struct span *text);

/* Memory for local_read, if any of the jobs has a file: NULL is right without. */
bool local_need_chunk(const struct local_job *jobs, size_t n, char **chunk, struct err *e);

/* Writes what out holds when it is more than above; false with errno. */
bool local_flush(int fd, struct buf *out, size_t above);

/*
 * May mail be appended to this file of an alias?  Before it is opened: it is none yet or a plain
 * one, in folders that only their owners change.  fd, afterwards: as it was opened, without set-id
 * and execute bits, with one name.  PERM 5.3.0 in sendmail's words.
 */
bool local_check_place(const char *path, struct err *e);
bool local_check_file(int fd, const char *path, struct err *e);

/* Appends the trace fields of final delivery: Return-Path, Delivered-To. */
void local_put_trace(const struct local_job *job, struct buf *out);

#endif
