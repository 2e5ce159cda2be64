// /proc/PID/coredump_filter: read, written, inherited, and carried along.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, const char *path) {
	char text[32] = "";
	int file = open(path, O_RDONLY);
	long n = read(file, text, 31);
	printf("%s: %ld %s\n", what, n, text);
	fflush(stdout);
	close(file);
}

static void put(const char *text) {
	int file = open("/proc/self/coredump_filter", O_WRONLY);
	long n = write(file, text, strlen(text));
	printf("%s: ", n < 0 ? strerrorname_np(errno) : "ok");
	close(file);
	show("", "/proc/self/coredump_filter");
}

int main(int count, char **arguments) {
	struct stat s;
	if (count > 1) {
		show("executed", "/proc/self/coredump_filter");
		return 0;
	}
	put("0x33");
	stat("/proc/self/coredump_filter", &s);
	printf("%o\n", s.st_mode);
	const char *texts[] = {"0x7f", "15\n", "017", "0", "0xffffffff", "0x100000000", "-1", "x", "0x", "", "7 ", " 7", "+3", "08", "0X1F", "0x21"};
	for (unsigned at = 0; at < sizeof texts / sizeof *texts; at++)
		put(texts[at]);
	pid_t child = fork();
	if (!child) {
		show("child", "/proc/self/coredump_filter");
		syscall(4097, 0L, 1L, 0L);
		show("moved", "/proc/self/coredump_filter");
		execl("/proc/self/exe", "core_filter", "x", (char *)0);
	}
	char path[64];
	sprintf(path, "/proc/%d/coredump_filter", child);
	siginfo_t info;
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	show("ended", path);
	waitpid(child, 0, 0);
	(void)arguments;
}
