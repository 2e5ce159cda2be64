// What /proc tells of how a program was started stays when it moves, and is told to its children.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIGRATE 4097

static const char *const NAMES[] = {"cmdline", "environ", "auxv"};
static char texts[3][40000], now[40000];

static long text(pid_t pid, const char *name, char *to) {
	char path[64];
	sprintf(path, "/proc/%d/%s", pid, name);
	int file = open(path, O_RDONLY);
	long length = 0, n;
	while ((n = read(file, to + length, 40000 - length)) > 0)
		length += n;
	close(file);
	return length;
}

static void compare(const char *when, pid_t pid, const long *lengths) {
	for (int at = 0; at < 3; at++) {
		long n = text(pid, NAMES[at], now);
		printf("%s %s: %s\n", when, NAMES[at], n > 0 && n == lengths[at] && !memcmp(now, texts[at], n) ? "the same" : "changed");
	}
	fflush(stdout);
}

int main(int count, char **arguments) {
	long lengths[3];
	if (count == 1) {
		setenv("LONG", memset(now, 'x', 20000), 1);
		execl("/proc/self/exe", "carried", "one", "", "two words", (char *)0);
	}
	for (int at = 0; at < 3; at++)
		lengths[at] = text(getpid(), NAMES[at], texts[at]);
	printf("%d arguments, %ld bytes, environment %d\n", count, lengths[0], lengths[1] > 20000);
	pid_t parent = getpid();
	for (long to = 1; to >= 0; to--) {
		syscall(MIGRATE, 0L, to, 0L);
		compare(to ? "there" : "back", parent, lengths);
		if (!fork()) {
			compare("child", getpid(), lengths);
			syscall(MIGRATE, 0L, !to, 0L);
			compare("its parent's", parent, lengths);
			_exit(0);
		}
		wait(0);
	}
	(void)arguments;
}
