/*
 * version: the number of the release, for --version, greetings and Received fields.
 */
#ifndef LETTERBOX_BASE_VERSION_H
#define LETTERBOX_BASE_VERSION_H

#define LETTERBOX_VERSION "1.0"

#endif
