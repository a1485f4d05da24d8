/*
 * Listening sockets; see service/gate_listen.h.
 *
 * Bound by gate before it starts the roles, since ports below 1024 and the queue directory
 * are its own, and handed to smtpd by descriptor: smtpd can accept, and cannot bind.
 */
#include "service/gate_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union address {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static bool parse(const struct settings_listener *l, int family, union address *a, socklen_t *len)
{
	const char *text = l->addr;

	memset(a, 0, sizeof *a);
	/* The form of RFC 5321's literals, as sendmail's Addr= takes it. */
	if (strncmp(text, "IPv6:", 5) == 0)
		text += 5;
	if (family == AF_INET6) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(l->port);
		*len = sizeof a->in6;
		return !text[0] || inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1;
	}
	a->in4.sin_family = AF_INET;
	a->in4.sin_port = htons(l->port);
	*len = sizeof a->in4;
	if (strcmp(text, "localhost") == 0)
		text = "127.0.0.1";
	return !text[0] || inet_pton(AF_INET, text, &a->in4.sin_addr) == 1;
}

static int bind_listen(const union address *a, socklen_t len, bool both)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, only = !both, unsent = GATE_UNSENT, saved;

	if (fd < 0)
		return -1;
	/* A daemon that starts again must not wait for connections of the last one to time out. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	/* Off for "*": one socket for both families, where the kernel maps IPv4 addresses. */
	if (a->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
	/* Connections have it from their listener; replies are written whole. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* Else the kernel holds megabytes for each client that does not read. */
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
	if (bind(fd, &a->sa, len) == 0 && listen(fd, GATE_BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int gate_listen_tcp(const struct settings_listener *l, struct err *e)
{
	union address a;
	socklen_t len;
	int fd = -1;

	/* No family said: IPv6 first, for a listener on every address that is both in one. */
	if (l->family != 4 && parse(l, AF_INET6, &a, &len)) {
		fd = bind_listen(&a, len, l->family == 0);
		/* A kernel without IPv6 still has the other half. */
		if (fd >= 0 || (l->addr[0] && errno != EAFNOSUPPORT))
			goto out;
	}
	if (l->family == 6 || !parse(l, AF_INET, &a, &len)) {
		err_perm(e, "5.3.5", "listener %s: \"%s\" is no address of its family", l->name,
			 l->addr);
		return -1;
	}
	fd = bind_listen(&a, len, false);
out:
	if (fd < 0) {
		int sys = errno;

		err_errno(e, sys, "cannot listen on %s port %u%s", l->addr[0] ? l->addr : "*",
			  l->port,
			  sys == EACCES ? " (ports below 1024 need root, or the sysctl "
					  "net.ipv4.ip_unprivileged_port_start)"
					: "");
	}
	return fd;
}

/* sun_path is short: a deep queue directory is reached through its descriptor. */
static bool make_address(const char *queue, struct sockaddr_un *un, int *dir)
{
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	*dir = -1;
	if ((size_t)snprintf(un->sun_path, sizeof un->sun_path, "%s/socket", queue) <
	    sizeof un->sun_path)
		return true;
	*dir = open(queue, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return false;
	snprintf(un->sun_path, sizeof un->sun_path, "/proc/self/fd/%d/socket", *dir);
	return true;
}

static int connect_to(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0 || connect(fd, (const struct sockaddr *)un, sizeof *un) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int gate_listen_connect(const char *queue)
{
	struct sockaddr_un un;
	int dir, fd, saved;

	if (!make_address(queue, &un, &dir))
		return -1;
	fd = connect_to(&un);
	saved = errno;
	if (dir >= 0)
		close(dir);
	errno = saved;
	return fd;
}

int gate_listen_local(const char *queue, struct err *e)
{
	struct sockaddr_un un;
	int dir, fd;

	if (!make_address(queue, &un, &dir)) {
		err_errno(e, errno, "%s", queue);
		return -1;
	}
	fd = connect_to(&un);
	if (fd >= 0) {
		close(fd);
		fd = -1;
		err_temp(e, "4.3.0", "another daemon serves the queue %s", queue);
		e->sys = EADDRINUSE;
	} else {
		/* What is left over is the socket of a daemon that died; nobody answers at it. */
		bool free = unlink(un.sun_path) == 0 || errno == ENOENT;

		/* Everybody may submit: who it is the kernel says (SO_PEERCRED). */
		if (free)
			fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof un) != 0 ||
		    chmod(un.sun_path, 0666) != 0 || listen(fd, GATE_BACKLOG) != 0) {
			err_errno(e, errno, "cannot listen on %s/socket", queue);
			if (fd >= 0)
				close(fd);
			fd = -1;
		}
	}
	if (dir >= 0)
		close(dir);
	return fd;
}
