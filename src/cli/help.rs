//! Texts of the help around the flags.

pub(super) const EXAMPLES: &str = "\
Examples:
  genesys-tail --demo                                 see it work, without an account
  genesys-tail check                                  does the account permit it?
  genesys-tail 97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77   follow one conversation
  genesys-tail -c 97b9… -n 20                         begin with the last 20 lines
  genesys-tail -c 97b9… --no-follow > talk.txt        what was said until now, no more
  genesys-tail -c @ids.txt >> transcript.log          follow many, into a file
  genesys-tail --queue b7c1…                          follow all of a queue
  genesys-tail -c 97b9… | grep --line-buffered Ada    what Ada says
  genesys-tail -c 97b9… --json | jq -r .text          for programs
  genesys-tail simulate > .env &                      a Genesys Cloud to play with, and
  genesys-tail                                        in the same folder: follow it
";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  genesys-tail check                    sign in, and try the steps that need no conversation
  genesys-tail check -c 97b9…           and those that need one
  genesys-tail check --profile prod     with the region and the client of a profile of gc
";

pub(super) const SIMULATE_EXAMPLES: &str = "\
Examples:
  genesys-tail simulate > .env &                           then genesys-tail in the same folder
  genesys-tail simulate --script flood:100000 --rate 1000  is what comes behind fast enough?
  genesys-tail simulate --fault socket:reset,after=4       a connection that breaks
  genesys-tail simulate --fault help                       what else can be broken
";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(genesys-tail completions bash)
  genesys-tail completions bash > ~/.local/share/bash-completion/completions/genesys-tail
  genesys-tail completions zsh > ~/.zfunc/_genesys-tail
  genesys-tail completions fish > ~/.config/fish/completions/genesys-tail.fish
";

pub(super) const MORE: &str = "All of it, with examples: genesys-tail --help, or genesys-tail man | man -l -";

pub(super) const AFTER: &str = "\
Settings come from flags, then the environment, then .env here or in a parent folder, then --profile.
Exit codes: 0 closed normally, 2 usage, 66 no such conversation, 69 gave up, 74 output failed,
76 protocol, 77 credentials refused, 78 settings. All in one page: genesys-tail man | man -l -";
