/*
 * relay: the role that sends mail to other hosts; see relay_part.h, and relays.h for its
 * callers' side.
 *
 * Started by gate when the queue role asks for it, ends when its channel closes.
 */
#ifndef LETTERBOX_SERVICE_RELAY_H
#define LETTERBOX_SERVICE_RELAY_H

/* The entry point of the role "relay" (applets.def). */
int relay_main(int argc, char **argv);

#endif
