// What /proc has of processes, wherever they are: threads, texts, links, descriptors, lists, and what can be written to it.
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int child;
static char buffer[65536];

static const char *name(const char *format) {
	static char path[200];
	sprintf(path, format, child, child);
	return path;
}
static int get(const char *format) {
	int f = open(name(format), O_RDONLY);
	if (f < 0) return -errno;
	int n = read(f, buffer, sizeof buffer - 1);
	if (n < 0) n = -errno;
	close(f);
	buffer[n < 0 ? 0 : n] = 0;
	return n;
}
static void put(const char *format, const char *value) {
	int f = open(name(format), O_WRONLY), n = f < 0 ? -errno : write(f, value, strlen(value));
	if (f >= 0 && n < 0) n = -errno;
	printf("write %s %s: %d\n", strrchr(format, '/') + 1, value, n);
	if (f >= 0) close(f);
}
static void show(const char *format) {
	int n = get(format);
	printf("%s: %s", strrchr(format, '/') + 1, n < 0 ? strerror(-n) : buffer);
	if (n < 0 || buffer[n - 1] != '\n') puts("");
}
static void link_of(const char *format) {
	char target[200] = {0};
	int n = readlink(name(format), target, sizeof target - 1);
	printf("%s -> %s\n", strrchr(format, '/') + 1, n < 0 ? strerror(errno) : target);
}
// Whether a directory has a name, and how many times.
static int has(const char *directory, const char *wanted) {
	DIR *d = opendir(directory);
	int found = 0;
	if (!d) return -errno;
	for (struct dirent *e; (e = readdir(d));) found += !strcmp(e->d_name, wanted);
	closedir(d);
	return found;
}
static void pagemap(void) {
	char *pages = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pages[4096] = pages[3 * 4096] = shared[0] = 1;
	unsigned long words[4], at = (unsigned long)pages / 4096 * 8;
	int f = open("/proc/self/pagemap", O_RDONLY);
	printf("pagemap %zd:", pread(f, words, sizeof words, at));
	for (int i = 0; i < 4; i++) printf(" %lx", words[i] >> 61);
	pread(f, words, 8, (unsigned long)shared / 4096 * 8);
	printf(", shared %lx\n", words[0] >> 61);
	printf("odd size %zd %d", pread(f, words, 7, at), errno);
	printf(", odd place %zd %d", pread(f, words, 8, at + 1), errno);
	printf(", end %zd\n", pread(f, words, 8, 0x7ffffffff000UL / 4096 * 8));
	close(f);
}
static void auxiliary(void) {
	int f = open("/proc/self/auxv", O_RDONLY), right = 0;
	Elf64_auxv_t entry;
	while (read(f, &entry, sizeof entry) == sizeof entry && entry.a_type) {
		int known = entry.a_type == AT_PHDR || entry.a_type == AT_ENTRY || entry.a_type == AT_RANDOM || entry.a_type == AT_EXECFN || entry.a_type == AT_PAGESZ;
		right += known && entry.a_un.a_val == getauxval(entry.a_type);
	}
	printf("auxv: %d right\n", right);
	close(f);
}
int main(void) {
	setvbuf(stdout, 0, _IONBF, 0);
	int ready[2], end[2];
	pipe(ready);
	pipe(end);
	mkdir("/tmp/pn", 0755);
	child = fork();
	if (!child) {
		prctl(PR_SET_NAME, "far away");
		chdir("/tmp/pn");
		dup2(open("/dev/null", O_RDONLY), 60);
		dup2(open("file", O_CREAT | O_RDWR, 0600), 61);
		syscall(4097, 0, 1, 0); // To another torus, where there is one.
		write(ready[1], "", 1);
		read(end[0], buffer, 1);
		_exit(0);
	}
	read(ready[0], buffer, 1);
	char number[20];
	sprintf(number, "%d", child);
	printf("listed %d\n", has("/proc", number));
	show("/proc/%d/comm");
	show("/proc/%d/task/%d/comm");
	printf("task %d, in itself %d %d\n", has(name("/proc/%d/task"), number), has(name("/proc/%d/task/%d"), "task"), has(name("/proc/%d/task/%d"), "fd"));
	printf("no threads of threads: %d\n", get("/proc/%d/task/%d/task/1/comm"));
	int pid, parent;
	char comm[40], state;
	// It has told that it is ready, and is about to wait.
	do
		get("/proc/%d/stat");
	while (!strstr(buffer, ") S "));
	int fields = sscanf(buffer, "%d (%[^)]) %c %d", &pid, comm, &state, &parent);
	printf("stat %d: %d %s %c %d\n", fields, pid == child, comm, state, parent == getpid());
	get("/proc/%d/status");
	printf("status %d %d\n", strstr(buffer, "State:\tS (sleeping)") != 0, strstr(buffer, "Threads:\t1\n") != 0);
	get("/proc/%d/maps");
	printf("maps %d\n", strstr(buffer, "[stack]") != 0);
	link_of("/proc/%d/cwd");
	link_of("/proc/%d/root");
	link_of("/proc/%d/fd/60");
	link_of("/proc/%d/fd/61");
	link_of("/proc/%d/task/%d/fd/61");
	link_of("/proc/%d/fd/62");
	char own[200] = {0}, its[200] = {0};
	readlink("/proc/self/exe", own, 199);
	readlink(name("/proc/%d/exe"), its, 199);
	printf("exe %d\n", !strcmp(own, its));
	printf("fd %d %d\n", has(name("/proc/%d/fd"), "61"), has(name("/proc/%d/fdinfo"), "62"));
	struct stat s;
	printf("stat %d", stat(name("/proc/%d"), &s));
	printf(" %o\n", s.st_mode);
	printf("lstat %d", lstat(name("/proc/%d/exe"), &s));
	printf(" %o\n", s.st_mode & S_IFMT);
	chdir(name("/proc/%d/task"));
	get("../comm");
	printf("%s", strchr(name("/proc/%d/comm"), 0) ? buffer : "");
	char path[100];
	printf("getcwd %d\n", getcwd(path, sizeof path) && !strcmp(path, name("/proc/%d/task")));
	chdir("../../self");
	printf("from there to self: %d\n", get("comm") > 0 && strcmp(buffer, "far away\n"));
	chdir("/");
	put("/proc/%d/oom_score_adj", "300");
	show("/proc/%d/oom_score_adj");
	show("/proc/%d/oom_adj");
	put("/proc/%d/oom_score_adj", "1001");
	put("/proc/%d/oom_score_adj", "x");
	put("/proc/%d/oom_adj", "16");
	put("/proc/%d/comm", "other");
	put("/proc/%d/stat", "1");
	put("/proc/self/comm", "named");
	show("/proc/self/comm");
	put("/proc/sys/kernel/ostype", "1");
	put("/proc/sys/vm/max_map_count", "65530");
	put("/proc/version", "1");
	printf("inherited %d", (child = fork()) ? waitpid(child, 0, 0) == child : (put("/proc/self/oom_score_adj", "77"), _exit(0), 0));
	puts("");
	sscanf(number, "%d", &child);
	printf("nobody: %d\n", get("/proc/4000000/stat"));
	pagemap();
	auxiliary();
	write(end[1], "", 1);
	waitpid(child, 0, 0);
	printf("ended: %d %d\n", get("/proc/%d/stat"), has("/proc", number));
	printf("descriptor that was: %d\n", stat(name("/proc/%d/fd"), &s) ? -errno : 0);
	unlink("/tmp/pn/file");
	rmdir("/tmp/pn");
}
