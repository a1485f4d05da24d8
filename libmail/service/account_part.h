/*
 * account_part: what the files of the account module share; see account.h.
 */
#ifndef LETTERBOX_SERVICE_ACCOUNT_PART_H
#define LETTERBOX_SERVICE_ACCOUNT_PART_H

#include "service/account.h"

struct passwd;
struct passwdfile_entry;

/* The account of an entry of either source; fails TEMP for fields that are too long. */
bool account_from_entry(const struct account_source *s, const struct passwdfile_entry *entry,
			struct account *out, struct err *e);
bool account_from_passwd(const struct account_source *s, const struct passwd *pw,
			 struct account *out, struct err *e);

/* Overwrites the secrets of a users file in memory with '*'. */
void account_blot(struct buf *file);

#endif
