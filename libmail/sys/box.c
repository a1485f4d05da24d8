/*
 * A role's box; see sys/box.h.
 *
 * What is asked for and permitted must succeed, or the process ends; what this process
 * has no power to do at all (an ordinary user, root without capabilities, a user
 * namespace with one uid) is skipped, since there is nothing to give up.
 */
#include "sys/box.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"
#include "base/span.h"
#include "sys/box_landlock.h"
#include "sys/box_seccomp.h"
#include "sys/fs.h"
#include "sys/log.h"

/* linux/capability.h */
enum {
	CAP_CHOWN = 0,
	CAP_DAC_OVERRIDE = 1,
	CAP_KILL = 5,
	CAP_SETGID = 6,
	CAP_SETUID = 7,
	CAP_SETPCAP = 8,
	CAP_SYS_CHROOT = 18,
	CAP_MAX = 63,
	CAP_VERSION = 0x20080522, /* the third: two words each */
};

/*
 * What a gate needs: to make mailboxes, to get at queue and homes, whoever owns them; its roles'
 * uids and roots, and to end them.
 */
static const uint32_t gate_caps = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_KILL |
				  1 << CAP_SETGID | 1 << CAP_SETUID | 1 << CAP_SETPCAP |
				  1 << CAP_SYS_CHROOT;

enum { NOBODY = 65534 }; /* where no account is to be found, as in an image FROM scratch */

/* As the kernel has them; a plain libc does not bring linux/capability.h. */
struct cap_header {
	uint32_t version;
	int pid;
};

struct cap_word {
	uint32_t effective, permitted, inheritable;
};

#ifdef __SANITIZE_ADDRESS__
/* The leak check at exit stops its own process with ptrace, which a box does not allow. */
static bool is_boxed;

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return is_boxed;
}

static void note_boxed(void)
{
	is_boxed = true;
}
#else
static void note_boxed(void)
{
}
#endif

static bool get_caps(struct cap_word words[2])
{
	struct cap_header h = {CAP_VERSION, 0};

	memset(words, 0, 2 * sizeof *words);
	return syscall(SYS_capget, &h, words) == 0;
}

static bool has_cap(unsigned cap)
{
	struct cap_word words[2];

	return get_caps(words) && words[0].effective >> cap & 1;
}

/*
 * What programs started later could get.  Ends at the first refusal: without CAP_SETPCAP there is
 * nothing to be done, and the kernel's last capability is followed by none.
 */
static void drop_bounding(uint32_t but)
{
	for (unsigned cap = 0; cap <= CAP_MAX; cap++)
		if ((cap > 31 || !(but >> cap & 1)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return;
}

/* Keeps of the capabilities we have those in mask, now and for programs started later. */
static bool keep_caps(uint32_t mask, struct err *e)
{
	struct cap_header h = {CAP_VERSION, 0};
	struct cap_word words[2];

	if (!get_caps(words))
		return err_errno(e, errno, "capget");
	/* Ambient capabilities would survive an exec, and so come back with it. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	drop_bounding(mask);
	words[0].permitted &= mask;
	words[0].effective &= mask;
	words[0].inheritable = 0;
	words[1] = (struct cap_word){0, 0, 0};
	return syscall(SYS_capset, &h, words) == 0 || err_errno(e, errno, "capset");
}

/* Does this user namespace know the id?  Its map has lines of "first-inside outside count". */
static bool is_mapped(const char *map, uint64_t id)
{
	char mem[1024];
	int fd = open(map, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? fs_pread(fd, mem, sizeof mem, 0) : 0;
	struct span rest = span_make(mem, n > 0 ? (size_t)n : 0), line;
	bool any = false;

	if (fd >= 0)
		close(fd);
	while ((line = span_trim(span_cut(&rest, '\n'))).len) {
		uint64_t v[3] = {0};

		for (int i = 0; i < 3; i++) {
			num_parse(span_cut(&line, ' '), UINT32_MAX, &v[i]);
			line = span_trim(line);
		}
		any = true;
		if (id >= v[0] && id - v[0] < v[2])
			return true;
	}
	/* No map to read (an old kernel, no /proc): nothing is known to be missing. */
	return !any;
}

static bool may_set_groups(void)
{
	char mem[4] = "";
	int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);

	/* Kernels before 3.19 have no such file and no such restriction. */
	if (fd < 0)
		return true;
	fs_pread(fd, mem, sizeof mem, 0);
	close(fd);
	return memcmp(mem, "deny", sizeof mem) != 0;
}

static bool may_become(uid_t uid, gid_t gid)
{
	return has_cap(CAP_SETUID) && has_cap(CAP_SETGID) && may_set_groups() &&
	       is_mapped("/proc/self/uid_map", uid) && is_mapped("/proc/self/gid_map", gid);
}

static bool verify(uid_t uid, gid_t gid, size_t groups, struct err *e)
{
	struct cap_word words[2];
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0 ||
	    !get_caps(words))
		return err_errno(e, errno, "cannot verify the change of user");
	for (int i = 0; i < 3; i++)
		if (u[i] != uid || g[i] != gid)
			return err_temp(e, "4.3.0", "the change of user did not take place");
	if (getgroups(0, NULL) != (int)groups)
		return err_temp(e, "4.3.0", "supplementary groups are left");
	if (words[0].permitted || words[0].inheritable || words[1].permitted)
		return err_temp(e, "4.3.0", "capabilities are left");
	/* Tried and not deduced: this must fail for every way there is. */
	if ((uid != 0 && setresuid(0, 0, 0) == 0) ||
	    (uid != 0 && setresuid((uid_t)-1, 0, 0) == 0) ||
	    (uid != 0 && gid != 0 && setresgid(0, 0, 0) == 0))
		return err_temp(e, "4.3.0", "root could be had back");
	return true;
}

static bool change_user(uid_t uid, gid_t gid, const gid_t *groups, size_t n, struct err *e)
{
	pid_t parent = getppid();
	int death = 0;

	/* Set by proc.c, so that a role does not outlive its gate. */
	prctl(PR_GET_PDEATHSIG, &death);
	/* Now, since without CAP_SETPCAP it stays. */
	drop_bounding(0);
	if (setgroups(n, groups) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return err_errno(e, errno, "cannot become uid %ld gid %ld", (long)uid, (long)gid);
	/* The kernel forgets the parent-death signal over it. */
	if (death) {
		prctl(PR_SET_PDEATHSIG, death);
		/* Gone in between: no signal will come. */
		if (getppid() != parent)
			raise(SIGKILL);
	}
	return keep_caps(0, e) && verify(uid, gid, n, e);
}

bool box_become(uid_t uid, gid_t gid, struct err *e)
{
	note_boxed();
	if (!may_become(uid, gid)) {
		/* A user, not root: there is nobody to become, only capabilities to lose. */
		if (geteuid() == uid && getegid() == gid)
			return keep_caps(0, e);
		return err_temp(e, "4.3.0", "cannot become uid %ld: not started as root",
				(long)uid);
	}
	/* Not dumpable: neither ptrace by the user nor a core file with somebody's mail. */
	return change_user(uid, gid, NULL, 0, e) &&
	       (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 || err_errno(e, errno, "prctl"));
}

static bool enter_root(const char *dir, struct err *e)
{
	if (!has_cap(CAP_SYS_CHROOT)) {
		log_debug("no chroot to %s: not root", dir);
		return true;
	}
	/* chdir first, or a working directory outside would lead out again. */
	if (chdir(dir) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return err_errno(e, errno, "chroot to %s", dir);
	return true;
}

static bool lower(int what, rlim_t most, struct err *e)
{
	struct rlimit limit;

	if (getrlimit(what, &limit) != 0)
		return err_errno(e, errno, "getrlimit");
	/* A soft limit above the hard one is an error, so the lower of the two. */
	if (most > limit.rlim_max)
		most = limit.rlim_max;
	limit.rlim_cur = limit.rlim_max = most;
	return setrlimit(what, &limit) == 0 || err_errno(e, errno, "setrlimit");
}

static bool set_limits(const struct box *b, struct err *e)
{
#ifdef __SANITIZE_ADDRESS__
	const bool memory = false; /* its shadow alone is terabytes of address space */
#else
	const bool memory = b->max_memory > 0;
#endif

	/* Without fork and threads no process needs to be made. */
	return lower(RLIMIT_CORE, 0, e) &&
	       (b->allow & (BOX_FORK | BOX_THREADS) || lower(RLIMIT_NPROC, 0, e)) &&
	       (!b->max_cpu || lower(RLIMIT_CPU, b->max_cpu, e)) &&
	       (!b->max_files || lower(RLIMIT_NOFILE, b->max_files, e)) &&
	       (!memory || lower(RLIMIT_AS, b->max_memory, e));
}

static bool change_powers(const struct box *b, bool become, struct err *e)
{
	if (become)
		return change_user(b->uid, b->gid, &b->extra_gid, b->has_extra, e);
	return keep_caps(b->allow & BOX_FORK ? gate_caps : 0, e);
}

/* Owned by root, written by nobody else, and without subdirectories (two links). */
static bool is_empty_root(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH)) && st.st_nlink <= 2;
}

const char *box_empty_dir(void)
{
	static const char *const names[] = {"/var/empty", "/var/lib/empty", "/run/sshd",
					    "/run/letterbox-empty"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (is_empty_root(names[i]))
			return names[i];
	if (mkdir("/run/letterbox-empty", 0555) == 0 && is_empty_root("/run/letterbox-empty"))
		return "/run/letterbox-empty";
	/* At least the host's names are not there; the box lets none of these be opened. */
	return "/proc/self/fdinfo";
}

/* seccomp needs it where there are no capabilities; and no set-id program helps any more. */
static void lock_privileges(const char *role)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		log_debug("%s: no no_new_privs: %s", role, strerror(errno));
}

bool box_enter(const struct box *b, struct err *e)
{
	bool forks = b->allow & BOX_FORK, become = b->drop && may_become(b->uid, b->gid);
	/* Not for a gate, whose children must get at homes; paths are those before the chroot. */
	int rules = forks ? -1 : box_landlock_prepare(b);

	note_boxed();
	umask(077);
	if (!forks && rules < 0 && !box_landlock_is_absent(errno))
		return err_errno(e, errno, "the box of %s", b->role);
	if (!forks && rules < 0)
		log_debug("%s: no Landlock: %s", b->role, strerror(errno));
	if (b->chroot_dir && !enter_root(b->chroot_dir, e))
		return false;
	/* Where it becomes nobody, set-id bits would only give power that it has not. */
	if (forks && !(b->allow & BOX_PROGRAMS && has_cap(CAP_SETUID)))
		lock_privileges(b->role);
	/* Without no_new_privs this needs what change_powers gives up. */
	if (forks && !box_seccomp_install(b->allow))
		log_debug("%s: no seccomp: %s", b->role, strerror(errno));
	if (!change_powers(b, become, e) || !set_limits(b, e))
		return false;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_errno(e, errno, "prctl");
	if (forks)
		return true;
	lock_privileges(b->role);
	if (rules >= 0 && !box_landlock_enter(rules))
		log_debug("%s: no Landlock: %s", b->role, strerror(errno));
	if (!box_seccomp_install(b->allow))
		log_debug("%s: no seccomp: %s", b->role, strerror(errno));
	return true;
}

enum found { FOUND, ABSENT, UNKNOWN };

/* A name, or "uid" or "uid:gid" in digits.  UNKNOWN with errno when the accounts cannot be read. */
static enum found find_account(const char *name, uid_t *uid, gid_t *gid)
{
	struct span rest = span_str(name), first = span_cut(&rest, ':');
	struct passwd pw, *found = NULL;
	char mem[1024];
	uint64_t u, g;
	int sys;

	if (num_parse(first, INT32_MAX, &u)) {
		g = u;
		if (rest.len && !num_parse(rest, INT32_MAX, &g))
			return ABSENT;
		*uid = (uid_t)u;
		*gid = (gid_t)g;
		/* Root is no account for a role, whatever it is called. */
		return u != 0 ? FOUND : ABSENT;
	}
	sys = getpwnam_r(name, &pw, mem, sizeof mem, &found);
	/* An image without any accounts is no error. */
	if (sys != 0 && sys != ENOENT && sys != ENOTDIR) {
		errno = sys;
		return UNKNOWN;
	}
	if (!found || pw.pw_uid == 0)
		return ABSENT;
	*uid = pw.pw_uid;
	*gid = pw.pw_gid;
	return FOUND;
}

bool box_account(uid_t *uid, gid_t *gid, bool *change, struct err *e)
{
	static const char *const names[] = {"letterbox", "mail", "nobody"};
	const char *wanted = getenv("LETTERBOX_USER");
	enum found found = ABSENT;

	if (wanted && *wanted) {
		found = find_account(wanted, uid, gid);
		/* Told, and then the usual ones: a daemon that does not start serves nobody. */
		if (found == ABSENT)
			log_warn("LETTERBOX_USER=%s: no such ordinary account", wanted);
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0] && found == ABSENT; i++)
		found = find_account(names[i], uid, gid);
	if (found == UNKNOWN)
		return err_errno(e, errno, "the accounts of this system cannot be read");
	if (found == ABSENT)
		*uid = *gid = NOBODY;
	*change = may_become(*uid, *gid);
	return true;
}
