/*
 * filter: system calls that stop for a tracer, for tools that let them go wrong, or that fail.
 *
 * filter_calls has the kernel stop this process, and all that descend from it, at the calls named
 * and nowhere else (a PTRACE_EVENT_SECCOMP for who traces it), which is what makes tracing quick.
 * filter_fail lets one call fail from now on, for these processes.
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

enum {
	FILTER_LOAD_WORD = 0x20,
	FILTER_JUMP_EQUAL = 0x15,
	FILTER_RETURN = 0x06,
	FILTER_RET_ERRNO = 0x00050000,
	FILTER_RET_ALLOW = 0x7fff0000,
	FILTER_RET_TRACE = 0x7ff00000,
	FILTER_NR = 0,      /* where struct seccomp_data has the call */
	FILTER_SECOND = 24, /* and the lower half of its second argument (little endian) */
};

struct filter_instruction {
	unsigned short code;
	unsigned char jt, jf;
	unsigned k;
};

static inline bool filter_install(struct filter_instruction *code, size_t n)
{
	enum { MODE_FILTER = 2 };
	struct {
		unsigned short len;
		struct filter_instruction *code;
	} program = {(unsigned short)n, code};

	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return prctl(PR_SET_SECCOMP, MODE_FILTER, &program) == 0;
}

/* The n calls, at most FILTER_CALLS_MAX, by their numbers; false with errno. */
static inline bool filter_calls(const int *calls, size_t n)
{
	struct filter_instruction code[FILTER_CALLS_MAX + 3];
	size_t at = 0;

	code[at++] = (struct filter_instruction){FILTER_LOAD_WORD, 0, 0, FILTER_NR};
	for (size_t i = 0; i < n; i++)
		code[at++] = (struct filter_instruction){FILTER_JUMP_EQUAL, (unsigned char)(n - i),
							 0, (unsigned)calls[i]};
	code[at++] = (struct filter_instruction){FILTER_RETURN, 0, 0, FILTER_RET_ALLOW};
	code[at++] = (struct filter_instruction){FILTER_RETURN, 0, 0, FILTER_RET_TRACE};
	return filter_install(code, at);
}

/* This call with that second argument gives error; false with errno. */
static inline bool filter_fail(int call, unsigned second, int error)
{
	struct filter_instruction code[] = {
	    {FILTER_LOAD_WORD, 0, 0, FILTER_NR},
	    {FILTER_JUMP_EQUAL, 0, 3, (unsigned)call},
	    {FILTER_LOAD_WORD, 0, 0, FILTER_SECOND},
	    {FILTER_JUMP_EQUAL, 0, 1, second},
	    {FILTER_RETURN, 0, 0, FILTER_RET_ERRNO | (unsigned)error},
	    {FILTER_RETURN, 0, 0, FILTER_RET_ALLOW},
	};

	return filter_install(code, sizeof code / sizeof code[0]);
}

#endif
