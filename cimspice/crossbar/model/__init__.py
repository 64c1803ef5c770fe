"""Parts of a crossbar's card."""
