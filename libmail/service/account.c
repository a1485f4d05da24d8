#include "service/account.h"
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>
#include <string.h>
bool account_source_init(struct account_source *s, const char *users, const char *mailbox, struct err *e)
{ (void)users;(void)e; memset(s,0,sizeof *s); snprintf(s->template,sizeof s->template,"%s",mailbox&&*mailbox?mailbox:"/var/mail/%u"); return true; }
void account_source_free(struct account_source *s){(void)s;}
bool account_find(struct account_source *s, struct span name, struct account *out, struct err *e)
{ char n[256]; struct passwd *pw; char *p; span_to_cstr(name,n,sizeof n); pw=getpwnam(n);
 if(!pw) return err_perm(e,"5.1.1","no such user");
 memset(out,0,sizeof *out); snprintf(out->name,sizeof out->name,"%s",n); out->uid=pw->pw_uid; out->gid=pw->pw_gid; snprintf(out->home,sizeof out->home,"%s",pw->pw_dir);
 p=strstr(s->template,"%u"); if(p) snprintf(out->mailbox,sizeof out->mailbox,"%.*s%s%s",(int)(p-s->template),s->template,n,p+2); return true; }
