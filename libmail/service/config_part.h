/*
 * config_part: what is defined around every sendmail.cf that is compiled, also by the address
 * test mode, which has its own messages.
 */
#ifndef LETTERBOX_SERVICE_CONFIG_PART_H
#define LETTERBOX_SERVICE_CONFIG_PART_H

#include "service/config.h"

/* Building, before cf_load: the classes that sendmail fills itself. */
void config_predefine(struct cf *cf);

/* Building, after cf_load: the host map, the host's names, what is not to be forgotten. */
void config_complete(struct cf_eval *ev, const struct resolver *r);

#endif
