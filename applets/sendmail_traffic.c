/*
 * What the sendmail applet shows of its traffic: -X FILE, and the SMTP dialogue of -v.
 *
 * The file is named by whoever made the command line, who may be a stranger that a web form
 * let through (CVE-2016-10033).  We never have more rights than the caller; and a caller other
 * than root gets nothing created: the file must be there, and be theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "sendmail.h"
#include "sys/fs.h"

enum { LINE_KEPT = 4096 }; /* octets; a longer line is several in the log */

int sendmail_open_log(const char *path)
{
	struct stat st;
	struct err e;
	bool root = getuid() == 0;
	int fd = open(path,
		      O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
			  (root ? O_CREAT : 0),
		      0600);

	if (fd < 0) {
		printf("cannot open %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) != 0)
		err_errno(&e, errno, "%s", path);
	else if (!root && (!S_ISREG(st.st_mode) || st.st_uid != getuid() || st.st_nlink != 1))
		err_perm(&e, "5.7.0", "not a file of your own");
	else
		return fd;
	printf("cannot open %s: %s\n", path, e.text);
	close(fd);
	return -1;
}

int sendmail_open_traffic(struct sendmail *m, const char *path)
{
	m->traffic = sendmail_open_log(path);
	for (int i = 0; i < 2; i++)
		buf_init(&m->traffic_line[i], LINE_KEPT);
	return m->traffic < 0 ? EXIT_CANTCREAT : 0;
}

/* One write a line, so that several processes can share the file; a full disk stops no mail. */
static void write_line(struct sendmail *m, enum sendmail_way way, struct span line)
{
	char mem[LINE_KEPT + 32];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	buf_printf(&b, "%05d %s ", (int)getpid(), way == SENDMAIL_IN ? "<<<" : ">>>");
	buf_put(&b, line);
	buf_putc(&b, '\n');
	fs_write(m->traffic, buf_span(&b));
}

void sendmail_traffic(struct sendmail *m, enum sendmail_way way, struct span octets)
{
	struct buf *kept = &m->traffic_line[way];

	if (m->traffic < 0)
		return;
	while (octets.len) {
		size_t room = LINE_KEPT - kept->len, eol = span_index(octets, '\n');
		struct span part = span_head(octets, eol < room ? eol : room);

		buf_put(kept, part);
		octets = span_skip(octets, part.len);
		if (part.len == room || octets.len) {
			write_line(m, way, buf_span(kept));
			buf_reset(kept);
		}
		if (part.len == eol)
			octets = span_skip(octets, 1);
	}
}

void sendmail_traffic_end(struct sendmail *m, enum sendmail_way way)
{
	struct buf *kept = &m->traffic_line[way];

	if (m->traffic < 0)
		return;
	if (kept->len)
		write_line(m, way, buf_span(kept));
	buf_reset(kept);
	write_line(m, way, SPAN("[EOF]"));
}

/* Text of a peer, for a terminal. */
void sendmail_show(struct sendmail *m, const char *before, struct span octets)
{
	while (m->verbose && octets.len) {
		struct span line = span_cut(&octets, '\n');

		fputs(before, stdout);
		for (size_t i = 0; i < line.len; i++)
			if (line.ptr[i] != '\r')
				putchar(ascii_is_print(line.ptr[i]) ? line.ptr[i] : '?');
		putchar('\n');
	}
}
