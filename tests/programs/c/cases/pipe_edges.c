// Pipes: writes that are not split, sizes, packets, and poll and select of odd descriptors.
#define _GNU_SOURCE
#include <stdio.h>
#include <fcntl.h>
#include <errno.h>
#include <unistd.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <sys/select.h>
static void on(int s){}
#define T(x) do{errno=0; long r=(long)(x); printf("%-40s %ld %d\n",#x,r,r<0?errno:0);}while(0)
int main(){ int p[2]; static char b[1<<20]; pipe2(p,O_NONBLOCK); int i; for(i=0;i<200;i++) if(write(p[1],b,511)!=511)break; printf("511s: %d\n",i); T(write(p[1],b,511)); struct pollfd q={p[1],POLLOUT,0}; T(poll(&q,1,0)); printf("ev %x\n",q.revents); int n; T(ioctl(p[0],FIONREAD,&n)); printf("in it %d\n",n); T(write(p[1],b,8192)); T(read(p[0],b,4096)); T(write(p[1],b,4096)); T(read(p[0],b,1<<20)); T(write(p[1],b,1<<20)); q.revents=0; T(read(p[0],b,100)); T(poll(&q,1,0)); T(read(p[0],b,3996)); T(poll(&q,1,0)); T(read(p[0],b,1<<20));
  T(fcntl(p[0],F_GETPIPE_SZ)); T(fcntl(p[0],F_SETPIPE_SZ,100)); T(fcntl(p[0],F_SETPIPE_SZ,5000)); T(fcntl(p[0],F_SETPIPE_SZ,1<<20)); T(write(p[1],b,200000)); T(fcntl(p[0],F_SETPIPE_SZ,4096)); T(fcntl(p[0],F_SETPIPE_SZ,1<<30)); T(read(p[0],b,1<<20)); T(fcntl(p[0],F_SETPIPE_SZ,65536));
  struct pollfd m[5]={{-1,POLLIN,77},{99,POLLIN,0},{p[0],0,0},{p[1],POLLIN|POLLOUT|0x8000,0},{open("/tmp",O_RDONLY),POLLIN|POLLOUT|POLLPRI,0}}; T(poll(m,5,0)); for(i=0;i<5;i++)printf(" %x",m[i].revents); puts("");
  close(p[1]); T(poll(m+2,1,0)); printf("hup %x\n",m[2].revents); T(read(p[0],b,1)); pipe(p); close(p[0]); signal(SIGPIPE,SIG_IGN); m[3].fd=p[1]; T(poll(m+3,1,0)); printf("err %x\n",m[3].revents); T(write(p[1],b,1)); T(write(p[1],b,0)); fd_set r,w,e; FD_ZERO(&r);FD_ZERO(&w);FD_ZERO(&e); FD_SET(p[1],&r);FD_SET(p[1],&w);FD_SET(p[1],&e); struct timeval z={0,0}; T(select(p[1]+1,&r,&w,&e,&z)); printf("r%d w%d e%d\n",!!FD_ISSET(p[1],&r),!!FD_ISSET(p[1],&w),!!FD_ISSET(p[1],&e)); FD_ZERO(&r); FD_SET(88,&r); T(select(89,&r,0,0,&z));
  pipe(p); struct sigaction sa={.sa_handler=on}; sigaction(SIGALRM,&sa,0); alarm(1); T(write(p[1],b,100000)); fflush(stdout); sa.sa_flags=SA_RESTART; sigaction(SIGALRM,&sa,0); fcntl(p[0],F_SETFL,O_NONBLOCK); T(read(p[0],b,1<<20)); fcntl(p[0],F_SETFL,0); if(!fork()){ sleep(2); write(p[1],"late",4); _exit(0);} alarm(1); T(read(p[0],b,100)); wait(0); alarm(1); T(poll(0,0,3000)); alarm(1); struct pollfd u={p[0],POLLIN,0}; T(poll(&u,1,3000)); pipe2(p,O_DIRECT); write(p[1],"ab",2); write(p[1],"cd",2); T(read(p[0],b,10)); T(fcntl(p[0],F_SETLEASE,1)); T(ioctl(p[0],FIONBIO,&(int){1})); T(fcntl(p[0],F_GETFL)); }
