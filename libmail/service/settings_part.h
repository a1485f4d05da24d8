/*
 * settings_part: what the files of the settings module share; see settings.h.
 */
#ifndef LETTERBOX_SERVICE_SETTINGS_PART_H
#define LETTERBOX_SERVICE_SETTINGS_PART_H

#include "base/buf.h"
#include "service/settings.h"

/*
 * Adds a listener from "Port=smtp,Addr=127.0.0.1,Name=MTA,Family=inet" (DaemonPortOptions) or
 * "ADDR:PORT" (LETTERBOX_LISTEN).  Keys match by their first letters, as in sendmail.
 */
bool settings_add_listener(struct settings *s, struct span text, struct err *e);

/*
 * Adds the words of a PrivacyOptions list; fails PERM 5.3.5 on one that sendmail does not know.
 * put appends them again.
 */
bool settings_add_privacy(uint32_t *privacy, struct span list, struct err *e);
void settings_put_privacy(uint32_t privacy, struct buf *out);

#endif
