/**
 * Completion scripts. Each hands the typed words to the hidden `__complete` as they are, as arguments and never as shell
 * text: a word like `$(reboot)` is only a word. Answers are one candidate a line, or `:files` or `:directories`.
 */

const bash = String.raw`# bash completion for runtimectl; in ~/.bashrc: source <(runtimectl completion bash)
_runtimectl() {
  mapfile -t COMPREPLY < <("$1" __complete bash "$COMP_CWORD" "\${COMP_WORDS[@]}" 2>/dev/null)
  case "\${COMPREPLY[0]:-}" in
    :files) COMPREPLY=(); compopt -o default 2>/dev/null ;;
    :directories) COMPREPLY=(); compopt -o dirnames 2>/dev/null ;;
  esac
}
complete -F _runtimectl runtimectl
`.replaceAll('\\$', '$');

const zsh = String.raw`#compdef runtimectl
# zsh completion for runtimectl; in ~/.zshrc, after compinit: source <(runtimectl completion zsh)
# or as a file _runtimectl in a directory of fpath
_runtimectl() {
  local -a replies
  replies=("\${(@f)$("\${words[1]}" __complete zsh $((CURRENT - 1)) "\${words[@]}" 2>/dev/null)}")
  case "$replies[1]" in
    :files) _files ;;
    :directories) _files -/ ;;
    ?*) compadd -- "\${replies[@]}" ;;
  esac
}
if [[ "$funcstack[1]" == _runtimectl ]]; then _runtimectl "$@"; else compdef _runtimectl runtimectl; fi
`.replaceAll('\\$', '$');

const fish = String.raw`# fish completion for runtimectl; in ~/.config/fish/config.fish: runtimectl completion fish | source
function __runtimectl_complete
  set -l typed (commandline -opc) (commandline -ct)
  set -l replies ($typed[1] __complete fish (math (count $typed) - 1) $typed 2>/dev/null)
  switch "$replies[1]"
    case :files
      __fish_complete_path (commandline -ct)
    case :directories
      __fish_complete_directories (commandline -ct)
    case '*'
      string join -- \n $replies
  end
end
complete -c runtimectl -f -a '(__runtimectl_complete)'
`;

export const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish };
