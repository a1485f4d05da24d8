/*
 * local_part: what the files of the local delivery module share; see local.h.
 */
#ifndef LETTERBOX_SERVICE_LOCAL_PART_H
#define LETTERBOX_SERVICE_LOCAL_PART_H

#include "base/buf.h"
#include "service/local.h"

/* Appends the trace fields of final delivery: Return-Path, Delivered-To. */
void local_put_trace(const struct local_job *job, struct buf *out);

#endif
