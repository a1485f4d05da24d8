/*
 * The checked copies that code compiled with glibc's _FORTIFY_SOURCE calls.
 *
 * Only for linking the archive of libbearssl-dev with musl (BEARSSL=system).
 * A copy beyond its destination is a bug of the caller's, so it ends the
 * program as glibc would.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__memset_chk(void *to, int octet, size_t n, size_t room);

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
	if (n > room)
		abort();
	return memcpy(to, from, n);
}

void *__memmove_chk(void *to, const void *from, size_t n, size_t room)
{
	if (n > room)
		abort();
	return memmove(to, from, n);
}

void *__memset_chk(void *to, int octet, size_t n, size_t room)
{
	if (n > room)
		abort();
	return memset(to, octet, n);
}
