/*
 * Landlock by its raw system calls; see sys/box_landlock.h.
 *
 * Constants are those of the kernel's ABI (linux/landlock.h), which only ever grows: the version
 * the kernel reports says how much of it may be asked for.
 */
#include "sys/box_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same numbers on every architecture. */
enum { NR_CREATE = 444, NR_ADD_RULE = 445, NR_RESTRICT = 446 };

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	FS_READ = FS_READ_FILE | FS_READ_DIR,
	FS_WRITE = FS_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
		   FS_MAKE_REG | FS_REFER | FS_TRUNCATE,
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };
enum { SCOPE_ABSTRACT_UNIX = 1 << 0, SCOPE_SIGNAL = 1 << 1 };

/* ABI versions that brought something. */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct __attribute__((packed)) path_attr {
	uint64_t allowed;
	int32_t fd;
};

static uint64_t known_fs(int abi)
{
	uint64_t all = ((uint64_t)FS_IOCTL_DEV << 1) - 1;

	if (abi < ABI_IOCTL)
		all &= ~(uint64_t)FS_IOCTL_DEV;
	if (abi < ABI_TRUNCATE)
		all &= ~(uint64_t)FS_TRUNCATE;
	if (abi < ABI_REFER)
		all &= ~(uint64_t)FS_REFER;
	return all;
}

static bool add_path(int ruleset, uint64_t handled, const char *path, bool write)
{
	struct path_attr attr = {.allowed = handled & (write ? FS_WRITE : FS_READ)};
	struct stat st;
	bool ok;

	attr.fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.fd < 0)
		return errno == ENOENT || errno == ENOTDIR ||
		       (!write && (errno == EACCES || errno == ELOOP));
	if (fstat(attr.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		attr.allowed &= FS_OF_FILES;
	ok = syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &attr, 0) == 0;
	close(attr.fd);
	return ok;
}

static bool has_path(const struct box *b, bool write)
{
	for (int i = 0; i < BOX_PATHS_MAX; i++)
		if (b->paths[i].path && (b->paths[i].write || !write))
			return true;
	return false;
}

static void ask(const struct box *b, int abi, struct ruleset_attr *attr)
{
	bool opens = b->allow & (BOX_FILES | BOX_READ);

	/* Files by name without a list of them: whatever the uid and the chroot leave. */
	if (!opens || has_path(b, false))
		attr->fs = known_fs(abi);
	if (abi >= ABI_NET && !(b->allow & BOX_SOCKETS))
		attr->net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= ABI_SCOPE && !(b->allow & BOX_SOCKETS))
		attr->scoped |= SCOPE_ABSTRACT_UNIX;
	/* BOX_FILES includes mailbox locks, which ask whether a process is alive (kill 0). */
	if (abi >= ABI_SCOPE && !(b->allow & BOX_FILES))
		attr->scoped |= SCOPE_SIGNAL;
}

/* What writers of files ask the kernel: the boot, for mailbox locks; journals, for commits. */
static const char *const asked[] = {"/proc/sys/kernel/random/boot_id", "/sys/fs/ext4"};

bool box_landlock_is_absent(int sys)
{
	return sys == ENOSYS || sys == EOPNOTSUPP || sys == EPERM || sys == EINVAL || sys == E2BIG;
}

int box_landlock_prepare(const struct box *b)
{
	struct ruleset_attr attr = {0};
	int abi = (int)syscall(NR_CREATE, NULL, 0, CREATE_VERSION), fd;
	size_t size = abi >= ABI_SCOPE ? sizeof attr : abi >= ABI_NET ? 16 : 8;
	bool ok = true;

	if (abi < 1)
		return -1;
	/* The first version denies every link and rename from one directory to another. */
	if (abi < ABI_REFER && has_path(b, true)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	ask(b, abi, &attr);
	if (attr.fs == 0 && attr.net == 0 && attr.scoped == 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	fd = (int)syscall(NR_CREATE, &attr, size, 0);
	if (fd < 0)
		return -1;
	for (int i = 0; i < BOX_PATHS_MAX && attr.fs; i++)
		if (b->paths[i].path)
			ok = ok && add_path(fd, attr.fs, b->paths[i].path, b->paths[i].write);
	for (size_t i = 0; i < sizeof asked / sizeof asked[0] && attr.fs; i++)
		if (b->allow & BOX_FILES)
			ok = ok && add_path(fd, attr.fs, asked[i], false);
	if (ok)
		return fd;
	close(fd);
	return -1;
}

bool box_landlock_enter(int ruleset)
{
	bool ok = syscall(NR_RESTRICT, ruleset, 0) == 0;

	close(ruleset);
	return ok;
}
