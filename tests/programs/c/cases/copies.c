// sendfile and copy_file_range between files of several tori: those of /tmp, of the root, and of memory made before and after a move.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIGRATE 4097
#define BYTES 100000

static unsigned char pattern[BYTES], seen[BYTES + 10];

static void say(const char *what, long answer) {
	if (answer < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, answer);
}

static int fill(int file) {
	pwrite(file, pattern, BYTES, 0);
	return file;
}

static long place(int file) { return lseek(file, 0, SEEK_CUR); }

// Whether a file has the pattern from an offset on at another one.
static int has(int file, long at, long from, long bytes) {
	return pread(file, seen, bytes, at) == bytes && !memcmp(seen, pattern + from, bytes);
}

// Ranges go within a file system: memory is another one than /tmp on Linux.
static void pair(const char *what, int from, int to, int ranges) {
	off_t in = 1000, out = 500;
	printf("-- %s\n", what);
	lseek(from, 0, SEEK_SET), lseek(to, 0, SEEK_SET), ftruncate(to, 0);
	say("all", sendfile(to, from, 0, 2 * BYTES));
	printf("%ld %ld %d\n", place(from), place(to), has(to, 0, 0, BYTES));
	say("at the end", sendfile(to, from, 0, 1));
	lseek(to, 10, SEEK_SET);
	say("from", sendfile(to, from, &in, 50000));
	printf("%ld %ld %ld %d\n", (long)in, place(from), place(to), has(to, 10, 1000, 50000));
	if (!ranges)
		return;
	in = 1000;
	say("range", copy_file_range(from, &in, to, &out, 70000, 0));
	printf("%ld %ld %ld %ld %d\n", (long)in, (long)out, place(from), place(to), has(to, 500, 1000, 70000));
	lseek(from, 60000, SEEK_SET), lseek(to, 7, SEEK_SET);
	say("range of their own", copy_file_range(from, 0, to, 0, BYTES, 0));
	printf("%ld %ld %d\n", place(from), place(to), has(to, 7, 60000, 40000));
	in = 1L << 62, out = 0;
	say("beyond", copy_file_range(from, &in, to, &out, 1L << 62, 0));
	in = 100;
	say("onto itself", copy_file_range(to, &out, to, &in, 200, 0));
	in = 50000, out = 0;
	say("within itself", copy_file_range(to, &out, to, &in, 20000, 0));
	say("flags", copy_file_range(from, &in, to, &out, 1, 1));
}

static void none(int sig) { (void)sig; }

// A pipe takes what it has room for, and more when it has been read.
static void into_pipe(const char *what, int from, int *ends) {
	struct sigaction action = {.sa_handler = none};
	char byte;
	printf("-- %s\n", what);
	lseek(from, 0, SEEK_SET);
	pid_t child = fork();
	if (!child) {
		long total = 0, wrong = 0, n;
		close(ends[1]);
		while ((n = read(ends[0], seen, 5000)) > 0) {
			for (long at = 0; at < n; at++)
				wrong += seen[at] != pattern[total + at];
			total += n;
		}
		printf("%ld bytes, %ld wrong\n", total, wrong);
		fflush(stdout);
		_exit(0);
	}
	while (place(from) < BYTES && sendfile(ends[1], from, 0, BYTES) > 0)
		;
	close(ends[1]);
	wait(0);
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	pipe(ends);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	lseek(from, 0, SEEK_SET);
	say("what there is room for", sendfile(ends[1], from, 0, BYTES));
	printf("%ld\n", place(from));
	say("when it is full", sendfile(ends[1], from, 0, BYTES));
	fcntl(ends[1], F_SETFL, 0);
	sigaction(SIGALRM, &action, 0);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 20000}}, 0);
	say("a signal", sendfile(ends[1], from, 0, BYTES));
	printf("%ld\n", place(from));
	read(ends[0], &byte, 1);
	close(ends[0]), close(ends[1]);
}

int main(void) {
	setvbuf(stdout, 0, _IOLBF, 0);
	for (int at = 0; at < BYTES; at++)
		pattern[at] = at * 31 + at / 251;
	int before = fill(memfd_create("before", 0)), first[2], second[2];
	pipe(first);
	syscall(MIGRATE, 0L, 1L, 0L);
	int after = fill(memfd_create("after", 0)), other = memfd_create("other", 0);
	char name[] = "/tmp/copies.XXXXXX";
	int named = fill(mkstemp(name)), target = mkstemp(strcpy(name + 5, "copies.XXXXXX") - 5);
	unlink(name);
	pipe(second);
	pair("from /tmp to one of this torus", named, other, 0);
	pair("from one of this torus to /tmp", after, target, 0);
	pair("within /tmp", named, target, 1);
	pair("from one that came along to /tmp", before, target, 0);
	pair("from one that came along", before, other, 1);
	pair("into one that came along", after, before, 1);
	fill(before);
	into_pipe("a far file into a pipe", named, second);
	into_pipe("a file into a pipe that came along", after, first);
	int zeros = open("/dev/zero", O_RDONLY);
	lseek(target, 0, SEEK_SET), ftruncate(target, 0);
	say("zeros", sendfile(target, zeros, 0, 40000));
	printf("%ld\n", place(target));
	int append = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND, 0600), reads = open("/tmp", O_RDONLY);
	if (append < 0)
		append = open(strcpy(name + 5, "copies.append") - 5, O_CREAT | O_RDWR | O_APPEND, 0600), unlink(name);
	say("to one that appends", sendfile(append, named, 0, 1));
	say("a range to one that appends", copy_file_range(named, 0, append, 0, 1, 0));
	say("a directory", copy_file_range(reads, 0, target, 0, 1, 0));
}
