/*
 * applets: the entry points of all applets and roles, as applets.def lists them.
 *
 * Included by the files that define one, so that its type is checked.
 */
#ifndef LETTERBOX_APPLETS_APPLETS_H
#define LETTERBOX_APPLETS_APPLETS_H

#define APPLET(name, entry, help) int entry(int argc, char **argv);
#define ALIAS(name, entry)
#define ROLE(name, entry) int entry(int argc, char **argv);
#include "applets.def"
#undef APPLET
#undef ALIAS
#undef ROLE

#endif
