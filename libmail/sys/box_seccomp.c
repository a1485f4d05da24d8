/*
 * The filter program; see sys/box_seccomp.h.
 *
 * Only comparisons with constants are used, so that newer kernels can tell beforehand which calls
 * are always allowed and let them pass without running the program; the frequent calls stand
 * first for the older ones.
 */
#include "sys/box_seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/box.h"
#include "sys/box_calls.h"

/* The kernel's audit numbers: machine, and bits for 64-bit and little-endian. */
#if defined(__x86_64__) && !defined(__ILP32__)
enum { ARCH = 0xC000003E };
#elif defined(__i386__)
enum { ARCH = 0x40000003 };
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
enum { ARCH = 0xC00000B7 };
#elif defined(__arm__) && !defined(__ARMEB__)
enum { ARCH = 0x40000028 };
#elif defined(__riscv) && __riscv_xlen == 64
enum { ARCH = 0xC00000F3 };
#else
enum { ARCH = 0 };
#endif

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* linux/filter.h and linux/seccomp.h, which a plain libc does not bring. */
struct insn {
	uint16_t code;
	uint8_t yes, no; /* instructions to skip */
	uint32_t k;
};

struct program {
	unsigned short len;
	struct insn *insns;
};

enum {
	OP_LOAD = 0x20,
	OP_EQUAL = 0x15,
	OP_GREATER_EQUAL = 0x35,
	OP_ANY_BIT = 0x45,
	OP_RETURN = 0x06,
	AT_NR = 0,
	AT_ARCH = 4,
	AT_ARGS = 16, /* 8 octets each; all of ours fit the low half */
	RET_ALLOW = 0x7fff0000,
	RET_ERRNO = 0x00050000,
	MODE_FILTER = 1, /* of seccomp(2) */
	FLAG_TSYNC = 1,
	FLAG_SPEC_ALLOW = 4, /* no slow-down against code that this process does not run */
	X32_BIT = 0x40000000,
	PROGRAM_MAX = 1024,
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	BUG_ON(p->len == PROGRAM_MAX);
	p->insns[p->len++] = (struct insn){code, yes, no, k};
}

/* Classic BPF has no calls and jumps forward only: what is returned here ends the program. */
static void emit_return(struct program *p, uint32_t action)
{
	emit(p, OP_RETURN, action, 0, 0);
}

/*
 * Goes on with the next instruction when op holds for argument n, else refuses with EPERM.
 * Refusing and not killing: a libc may try a call that it can do without.
 */
static void emit_require(struct program *p, unsigned n, uint16_t op, uint32_t k, bool want)
{
	/* The filter sees a copy of the registers, so what they point to cannot be checked. */
	emit(p, OP_LOAD, AT_ARGS + 8 * n, 0, 0);
	emit(p, op, k, want ? 1 : 0, want ? 0 : 1);
	emit_return(p, RET_ERRNO | EPERM);
}

static void emit_check(struct program *p, enum box_calls_check how)
{
	/* linux/sched.h: CLONE_NEWNS, CLONE_NEWCGROUP to CLONE_NEWNET; asm/ioctls.h: TIOCSTI. */
	enum {
		CLONE_THREAD_FLAG = 0x10000,
		CLONE_SPACES = 0x7e020000,
		TYPE_INTO_TERMINAL = 0x5412
	};
	const uint32_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

	switch (how) {
	case BOX_CALLS_NO_EXEC:
		emit_require(p, 2, OP_ANY_BIT, PROT_EXEC, false);
		break;
	case BOX_CALLS_THREAD:
		emit_require(p, 0, OP_ANY_BIT, CLONE_THREAD_FLAG, true);
		break;
	case BOX_CALLS_SELF:
		emit_require(p, 0, OP_EQUAL, (uint32_t)getpid(), true);
		break;
	case BOX_CALLS_ZERO:
		emit_require(p, 0, OP_EQUAL, 0, true);
		break;
	case BOX_CALLS_SIGNAL_0:
		emit_require(p, 1, OP_EQUAL, 0, true);
		break;
	case BOX_CALLS_READ_2:
	case BOX_CALLS_READ_3:
		emit_require(p, how == BOX_CALLS_READ_2 ? 1 : 2, OP_ANY_BIT, writes, false);
		break;
	case BOX_CALLS_FAMILY:
		emit(p, OP_LOAD, AT_ARGS, 0, 0);
		emit(p, OP_EQUAL, AF_INET, 3, 0);
		emit(p, OP_EQUAL, AF_INET6, 2, 0);
		emit(p, OP_EQUAL, AF_UNIX, 1, 0);
		emit_return(p, RET_ERRNO | EPERM);
		break;
	case BOX_CALLS_NO_SPACE:
		emit_require(p, 0, OP_ANY_BIT, CLONE_SPACES, false);
		break;
	case BOX_CALLS_NO_TYPED:
		emit_require(p, 1, OP_EQUAL, TYPE_INTO_TERMINAL, false);
		break;
	case BOX_CALLS_NOSYS:
	case BOX_CALLS_REFUSED:
		emit_return(p, RET_ERRNO | (how == BOX_CALLS_NOSYS ? ENOSYS : EPERM));
		return;
	case BOX_CALLS_NONE:
		break;
	}
	emit_return(p, RET_ALLOW);
}

static void emit_rule(struct program *p, const struct box_calls_rule *r)
{
	unsigned short at = p->len;

	/* How far to skip is known when the check has been written. */
	emit(p, OP_EQUAL, r->nr, 0, 0);
	emit_check(p, (enum box_calls_check)r->check);
	p->insns[at].no = (uint8_t)(p->len - at - 1);
}

static void build(struct program *p, unsigned allow)
{
	size_t n;
	const struct box_calls_rule *rules = box_calls_allowed(&n);

	/* The call numbers mean something else under another architecture's entry. */
	emit(p, OP_LOAD, AT_ARCH, 0, 0);
	emit(p, OP_EQUAL, (uint32_t)ARCH, 1, 0);
	emit_return(p, RET_ERRNO | EPERM);
	emit(p, OP_LOAD, AT_NR, 0, 0);
	if (allow & BOX_FORK) {
		/*
		 * x32 calls are those of amd64 with a bit more, and would pass a list of
		 * exceptions.
		 */
		emit(p, OP_GREATER_EQUAL, X32_BIT, 0, 1);
		emit_return(p, RET_ERRNO | EPERM);
		rules = box_calls_forbidden(&n);
		for (size_t i = 0; i < n; i++)
			emit_rule(p, &rules[i]);
		emit_return(p, RET_ALLOW);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (rules[i].allow == 0 || rules[i].allow & allow)
			emit_rule(p, &rules[i]);
	emit_return(p, RET_ERRNO | EPERM);
}

bool box_seccomp_install(unsigned allow)
{
	struct insn insns[PROGRAM_MAX];
	struct program p = {0, insns};

	if (ARCH == 0 || SANITIZED) {
		errno = ENOSYS;
		return false;
	}
	build(&p, allow);
	/* All threads at once; kernels before 4.17 do not know the second flag. */
	if (syscall(SYS_seccomp, MODE_FILTER, FLAG_TSYNC | FLAG_SPEC_ALLOW, &p) == 0 ||
	    syscall(SYS_seccomp, MODE_FILTER, FLAG_TSYNC, &p) == 0)
		return true;
	/* Before 3.17 there is only prctl. */
	return prctl(PR_SET_SECCOMP, 2, &p) == 0;
}
