"""The command that prints what makes a shell complete commands, options and values."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, add_completion_class, get_completion_class

NAME, VARIABLE = "bilinear", "_BILINEAR_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@add_completion_class
class Bash(BashComplete):
    """Words as the user sees them: bash breaks `cyclic:8` and `flips=50` at the colon and the sign, we do not."""

    source_template = r"""%(complete_func)s() {
    local line="${COMP_LINE:0:$COMP_POINT}" words word type value
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word="${words[-1]}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
        dir) compopt -o dirnames ;;
        file) compopt -o default ;;
        plain)
            [[ $value == *[:=] ]] && compopt -o nospace
            COMPREPLY+=("${value#"${word%%"${word##*[:=]}"}"}")
            ;;
        esac
    done < <(env COMP_WORDS="$line" COMP_CWORD=$((${#words[@]} - 1)) %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and values in a shell.

    For bash, in ~/.bashrc: eval "$(bilinear completion bash)"; for zsh likewise in ~/.zshrc; for fish:
    bilinear completion fish > ~/.config/fish/completions/bilinear.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, NAME, VARIABLE).source())
