// ETXTBSY: nobody writes to a program that runs, and nobody runs what is open for writing.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy(const char *from, const char *to) {
	int f = open(from, O_RDONLY), t = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	char buffer[65536];
	for (ssize_t r; (r = read(f, buffer, sizeof buffer)) > 0;) write(t, buffer, r);
	close(f);
	close(t);
}
static void tell(const char *what, int result) {
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
	if (result > 2) close(result);
}
// What can be done to a program.
static void writers(const char *name) {
	tell(" write", open(name, O_WRONLY));
	tell(" both", open(name, O_RDWR));
	tell(" read", open(name, O_RDONLY));
	tell(" append", open(name, O_WRONLY | O_APPEND));
	tell(" path", open(name, O_PATH));
	tell(" truncate", truncate(name, 1 << 20));
	tell(" chmod", chmod(name, 0755));
}
// Moves the caller to another torus; Linux knows no such call.
static void elsewhere(void) {
	syscall(4097, 0, 1, 0);
}
static void runs(const char *what, const char *name) {
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		elsewhere();
		execl(name, name, "quick", (char *)0);
		_exit(errno);
	}
	int status;
	waitpid(child, &status, 0);
	printf("%s: %s\n", what, WEXITSTATUS(status) == 77 ? "runs" : strerror(WEXITSTATUS(status)));
}
int main(int n, char **a) {
	if (n > 1 && !strcmp(a[1], "quick")) return 77;
	if (n > 1 && !strcmp(a[1], "wait")) {
		char c;
		write(4, "", 1);
		read(3, &c, 1);
		return 0;
	}
	mkdir("/tmp/tb", 0755);
	chdir("/tmp/tb");
	copy("/proc/self/exe", "p");
	// A child runs it, on another torus where there are such, until told to end.
	int end[2], begin[2];
	pipe(end);
	pipe(begin);
	pid_t child = fork();
	if (!child) {
		elsewhere();
		dup2(end[0], 13);
		dup2(begin[1], 14);
		dup2(13, 3);
		dup2(14, 4);
		execl("p", "p", "wait", (char *)0);
		_exit(1);
	}
	char path[64] = {0}, shown[256] = {0}, c;
	read(begin[0], &c, 1);
	puts("running");
	writers("p");
	tell(" cut", open("p", O_RDONLY | O_TRUNC));
	runs(" again", "p");
	link("p", "q");
	tell(" by another name", open("q", O_WRONLY));
	rename("q", "r");
	unlink("p");
	tell(" renamed", open("r", O_RDWR));
	write(end[1], "", 1);
	waitpid(child, 0, 0);
	puts("ended");
	writers("r");
	int f = open("r", O_WRONLY), g = dup(f), h = open("r", O_RDONLY);
	runs("open for writing", "r");
	close(f);
	runs("still", "r");
	close(g);
	runs("closed", "r");
	char *shared = mmap(0, 4096, PROT_READ, MAP_SHARED, h, 0);
	runs("mapped for reading", "r");
	munmap(shared, 4096);
	int s = open("s", O_CREAT | O_WRONLY, 0755);
	write(s, "#!/tmp/tb/r\n", 12);
	runs("script that is written", "s");
	close(s);
	f = open("r", O_RDWR);
	runs("interpreter that is written", "s");
	close(f);
	int m = memfd_create("m", 0);
	sprintf(path, "/proc/self/fd/%d", m);
	h = open("r", O_RDONLY);
	char buffer[65536];
	for (ssize_t r; (r = read(h, buffer, sizeof buffer)) > 0;) write(m, buffer, r);
	runs("memfd", path);
	f = open(path, O_RDWR);
	runs("memfd, opened again", path);
	close(f);
	unlink("r");
	unlink("s");
	rmdir("/tmp/tb");
	// The test's own program runs all the time.
	readlink("/proc/self/exe", shown, sizeof shown - 1);
	tell("own program", open(shown, O_WRONLY));
	tell("own program", truncate(shown, 5));
	elsewhere();
	tell("own program, moved", open(shown, O_WRONLY));
}
