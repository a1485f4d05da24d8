/*
 * filter: system calls that stop for a tracer, for tools that let them go wrong.
 *
 * filter_calls has the kernel stop this process, and all that descend from it, at the calls named
 * and nowhere else (a PTRACE_EVENT_SECCOMP for who traces it), which is what makes tracing quick.
 * The definitions are those of linux/filter.h and linux/seccomp.h, which a libc other than the
 * host's does not have.
 */
#ifndef LETTERBOX_FAULT_FILTER_H
#define LETTERBOX_FAULT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { FILTER_CALLS_MAX = 32 };

/* The n calls, at most FILTER_CALLS_MAX, by their numbers; false with errno. */
static inline bool filter_calls(const int *calls, size_t n)
{
	enum {
		LOAD_WORD = 0x20,
		JUMP_EQUAL = 0x15,
		RETURN = 0x06,
		RET_ALLOW = 0x7fff0000,
		RET_TRACE = 0x7ff00000,
		MODE_FILTER = 2,
		NR_OFFSET = 0, /* of nr in struct seccomp_data */
	};
	struct instruction {
		unsigned short code;
		unsigned char jt, jf;
		unsigned k;
	} code[FILTER_CALLS_MAX + 3];
	struct {
		unsigned short len;
		struct instruction *code;
	} program = {(unsigned short)(n + 3), code};
	size_t at = 0;

	code[at++] = (struct instruction){LOAD_WORD, 0, 0, NR_OFFSET};
	for (size_t i = 0; i < n; i++)
		code[at++] =
		    (struct instruction){JUMP_EQUAL, (unsigned char)(n - i), 0, (unsigned)calls[i]};
	code[at++] = (struct instruction){RETURN, 0, 0, RET_ALLOW};
	code[at] = (struct instruction){RETURN, 0, 0, RET_TRACE};
	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return prctl(PR_SET_SECCOMP, MODE_FILTER, &program) == 0;
}

#endif
