/*
 * Wall and monotonic time; see sys/clock.h.
 */
#include "sys/clock.h"

#include <poll.h>
#include <time.h>

struct clock_wall clock_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct clock_wall){ts.tv_sec, (uint32_t)(ts.tv_nsec / 1000)};
}

uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool clock_wait(int fd, short events, uint64_t deadline_ms)
{
	for (;;) {
		uint64_t now = clock_ms();
		struct pollfd p = {fd, events, 0};

		if (now >= deadline_ms)
			return false;
		if (poll(&p, 1, (int)(deadline_ms - now)) > 0)
			return true;
	}
}

int clock_zone(int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (!localtime_r(&t, &tm))
		return 0;
	return (int)(tm.tm_gmtoff / 60);
}

void clock_init(void)
{
	tzset();
}
