/*
 * maps: the outside that the sendmail.cf engine asks for: map data, class files.
 *
 * Its three functions are those of struct cf_host (cf/cf.h), with a struct maps as
 * context.  Tables are read at the first lookup, as sendmail opens maps; hash,
 * btree, dbm and implicit maps read FILE.cdb where it is there, else the text
 * FILE.  host, dns and bestmx maps ask through the resolver.
 */
#ifndef LETTERBOX_SERVICE_MAPS_H
#define LETTERBOX_SERVICE_MAPS_H

#include <stdbool.h>

#include "cf/cf.h"
#include "service/resolver.h"

struct map_data;

struct maps {
	struct resolver *resolver;   /* borrowed; NULL: host, dns and bestmx fail for now */
	struct map_data *first;      /* owned */
	int unread;                  /* errno of a file that cannot be read for now, see fs.h */
	const struct cf_map *silent; /* a socket map without an answer: not waited for again */
	uint64_t silent_ms;          /* ... before this time of clock_ms */
};

void maps_init(struct maps *m, struct resolver *r);
void maps_free(struct maps *m);

/* cf_host.open_map: checks what can be checked while the configuration is read. */
bool maps_open(void *ctx, struct cf_eval *ev, struct cf_map *map);

/* cf_host.lookup: a sysexits status, 0 with the value appended to out. */
int maps_lookup(void *ctx, struct cf_eval *ev, struct cf_map *map, struct span key,
		const struct span *args, struct buf *out);

/* cf_host.read_file: the file, or what "|program arguments" writes; an errno value. */
int maps_read_file(void *ctx, struct span path, struct buf *out);

/*
 * False when the map cannot be used ("not open"): it is optional and its file is
 * not there.  Tries to open it.
 */
bool maps_is_open(struct maps *m, struct cf_eval *ev, struct cf_map *map);

#endif
