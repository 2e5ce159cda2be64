// Edges of #! lines: every length, files that end before the line does, blanks, NULs, scripts that interpret scripts.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(const char *name, const char *text, size_t size) {
	int f = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	write(f, text, size);
	close(f);
}
// Runs a file; answers its exit status, or the error's number less than 0.
static int run(const char *name) {
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		execve(name, (char *[]){"zero", "one", 0}, (char *[]){"K=V", 0});
		_exit(100 + errno);
	}
	int status;
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status)) return -1000 - WTERMSIG(status);
	return WEXITSTATUS(status) >= 100 ? 100 - WEXITSTATUS(status) : WEXITSTATUS(status);
}
static void one(const char *what, const char *text, size_t size) {
	put("s", text, size);
	int status = run("./s");
	printf("%s: %d\n", what, status);
}
#define TEXT(text) one(#text, text, sizeof text - 1)

int main(int n, char **a) {
	if (getenv("K")) {
		for (int i = 0; i < n; i++) printf(" [%.40s:%zu]", a[i], strlen(a[i]));
		puts("");
		return n;
	}
	mkdir("/tmp/se", 0755);
	chdir("/tmp/se");
	symlink("/proc/self/exe", "x");
	char self[4096] = {0}, big[1024];
	readlink("/proc/self/exe", self, sizeof self - 1);
	int from = open(self, O_RDONLY), to = open("i", O_CREAT | O_WRONLY, 0755);
	char buffer[65536];
	for (ssize_t r; (r = read(from, buffer, sizeof buffer)) > 0;) write(to, buffer, r);
	close(to);
	TEXT("#!/tmp/se/i\nrest");
	TEXT("#!/tmp/se/i");
	TEXT("#!/tmp/se/i ");
	TEXT("#!/tmp/se/i \t ");
	TEXT("#!/tmp/se/i a b");
	TEXT("#!/tmp/se/i a b ");
	TEXT("#!/tmp/se/i a b \n");
	TEXT("#!\t /tmp/se/i \t a\tb\t \n");
	TEXT("#!/tmp/se/i\0 a\n");
	TEXT("#!/tmp/se/i a\0b\n");
	TEXT("#!/tmp/se/i a\0b");
	TEXT("#!");
	TEXT("#! ");
	TEXT("#!\n");
	TEXT("#! \t\n");
	TEXT("#!\0\n");
	TEXT("#! /tmp/se/none\n");
	TEXT("#!/tmp/se\n");
	TEXT("#!./i rel\n");
	TEXT(" #!/tmp/se/i\n");
	TEXT("#");
	for (int size = 250; size < 262; size++) {
		// A path of this many bytes altogether, with and without a newline or a blank after it.
		memset(big, '/', sizeof big);
		memcpy(big, "#!/tmp/se", 9);
		big[size - 1] = 'i';
		for (int end = 0; end < 3; end++) {
			big[size] = "\n \0"[end];
			char what[40];
			sprintf(what, "path to %d, then %d", size, end);
			one(what, big, end == 2 ? size : size + 1);
		}
		memset(big, 'q', sizeof big);
		memcpy(big, "#!/tmp/se/i ", 12);
		big[size] = '\n';
		one("argument", big, size + 1);
		memset(big, ' ', sizeof big);
		memcpy(big, "#!", 2);
		memcpy(big + size - 10, "/tmp/se/i\n", 10);
		one("blanks", big, size);
	}
	for (int depth = 0; depth < 8; depth++) {
		char name[20], text[40];
		sprintf(name, "n%d", depth);
		sprintf(text, depth ? "#!/tmp/se/n%d x%d\n" : "#!/tmp/se/i x\n", depth - 1, depth);
		put(name, text, strlen(text));
		printf("%s: %d\n", name, run(name));
	}
	put("s", "#!/tmp/se/t\n", 12);
	put("t", "#!/tmp/se/none\n", 15);
	printf("nested, not there: %d\n", run("s"));
	chmod("t", 0644);
	printf("nested, not executable: %d\n", run("s"));
	put("u", "text", 4);
	put("s", "#!/tmp/se/u\n", 12);
	printf("nested, no program: %d\n", run("s"));
	system("/bin/rm -r /tmp/se 2>/dev/null || busybox rm -r /tmp/se");
}
