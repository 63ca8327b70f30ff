import "./elements/holdall-backup.ts";
