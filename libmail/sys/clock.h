/*
 * clock: the only place that asks what time it is.
 *
 * Wall time is for what people and protocols read; deadlines use the monotonic
 * clock, so that a jump of the wall clock ends no session.
 */
#ifndef LETTERBOX_SYS_CLOCK_H
#define LETTERBOX_SYS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock_wall {
	int64_t s;   /* seconds since 1970 */
	uint32_t us; /* microseconds */
};

struct clock_wall clock_wall(void);

/* Milliseconds since some fixed moment; never goes back. */
uint64_t clock_ms(void);

/* Waits until fd is ready for events (poll's); false: it is deadline_ms, a time of clock_ms. */
bool clock_wait(int fd, short events, uint64_t deadline_ms);

/* The local zone's offset from UTC at time s, in minutes (TZ or /etc/localtime). */
int clock_zone(int64_t s);

/*
 * Reads the zone data now: roles call it before they chroot.  DESIGN: nothing
 * is read from the file system later.
 */
void clock_init(void);

#endif
