#include "runtime/command.h"

static void print_default(FILE *out, const struct setting *setting)
{
	if (setting->fallback != NULL)
		fprintf(out, " (default %s)", setting->fallback);
}

void cli_help(FILE *out)
{
	fprintf(out,
		"tandem " TANDEM_VERSION
		": rotate database passwords without an outage, behind RDS Proxy too\n\nUsage:\n");
	for (size_t i = 0; i < command_count; i++)
		fprintf(out, "  tandem %-7s %-18s %s\n", commands[i].name, commands[i].usage,
			commands[i].meaning);
	fprintf(out, "  tandem                            as a Lambda function, where "
		     "AWS_LAMBDA_RUNTIME_API is set\n"
		     "\nOptions:\n"
		     "  --json      print the result as JSON\n"
		     "  --no-wait   rotate: do not wait until Secrets Manager has finished\n"
		     "  --help      print this\n"
		     "  --version   print the version\n"
		     "\nExit status: 0 done, 1 failed, 2 wrong usage or configuration.\n"
		     "\nSettings are environment variables:\n");
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct setting *setting = &config_settings[i];

		if (setting->name == NULL) {
			fprintf(out, "\n%s\n", setting->group);
			continue;
		}
		fprintf(out, "  %s\n      %s", setting->name, setting->meaning);
		print_default(out, setting);
		fputc('\n', out);
	}
}

void cli_help_markdown(FILE *out)
{
	fprintf(out, "| variable | default | meaning |\n|---|---|---|\n");
	for (size_t i = 0; i < config_setting_count; i++) {
		const struct setting *setting = &config_settings[i];

		if (setting->name == NULL)
			fprintf(out, "| **%s** | | |\n", setting->group);
		else if (setting->fallback == NULL)
			fprintf(out, "| `%s` | | %s |\n", setting->name, setting->meaning);
		else
			fprintf(out, "| `%s` | `%s` | %s |\n", setting->name, setting->fallback,
				setting->meaning);
	}
}
