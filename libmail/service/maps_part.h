/*
 * maps_part: what the files of service/maps.h share among themselves; nobody else
 * includes it.  A struct map_data belongs to its struct maps.
 */
#ifndef LETTERBOX_SERVICE_MAPS_PART_H
#define LETTERBOX_SERVICE_MAPS_PART_H

#include <regex.h>

#include "service/maps.h"
#include "service/table.h"

enum { MAP_PARTS = 20 }; /* subexpressions of a regex map */

struct map_data {
	struct map_data *next;
	struct table table;
	regex_t regex;
	uint8_t part[MAP_PARTS];
	int parts;
	bool is_table, is_regex;
	bool failed, missing; /* opening was tried and failed; for lack of a file */
};

/* The map's data, made at the first use, so that a map nobody asks costs nothing; or NULL. */
struct map_data *maps_data(struct maps *m, struct cf_map *map);

/* regex maps: false after a report; a status, or -1: no match, which is no error. */
bool maps_open_regex(struct maps *m, struct cf_eval *ev, struct cf_map *map);
int maps_lookup_regex(struct cf_eval *ev, struct cf_map *map, struct span key,
		      const struct span *args, struct buf *out);

/* socket maps: asks a server in sendmail's socketmap protocol; may be RESOLVER_PENDING. */
int maps_ask_socket(struct maps *m, const struct cf_map *map, struct span key, struct buf *out);

/* host, dns, bestmx and arpa maps. */
int maps_ask(struct maps *m, struct cf_eval *ev, struct cf_map *map, struct span key,
	     struct buf *out);

/* Runs words with one more argument (unless its ptr is NULL); the exit status. */
int maps_run_all(struct span words, struct span last, struct buf *out);

/* The same, and only the first line of what it writes. */
int maps_run(struct span words, struct span key, struct buf *out);

#endif
