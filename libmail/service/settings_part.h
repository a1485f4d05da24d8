/*
 * settings_part: what the files of the settings module share; see settings.h.
 */
#ifndef LETTERBOX_SERVICE_SETTINGS_PART_H
#define LETTERBOX_SERVICE_SETTINGS_PART_H

#include "service/settings.h"

/*
 * Adds a listener from "Port=smtp,Addr=127.0.0.1,Name=MTA,Family=inet" (DaemonPortOptions) or
 * "ADDR:PORT" (LETTERBOX_LISTEN).  Keys match by their first letters, as in sendmail.
 */
bool settings_add_listener(struct settings *s, struct span text, struct err *e);

/* Options of sendmail 8.17 that are accepted and have no effect here. */
bool settings_is_ignored(struct span name);
const char *settings_ignored_name(char letter);

#endif
